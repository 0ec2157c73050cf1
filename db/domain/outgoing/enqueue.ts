import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";

export interface PendingPayloads {
  push: {
    userId: number;
    title: string;
    content: string;
    url: string;
    notificationId?: number | null;
  };
  /** A room was opened: its club's members are to hear of it. */
  room_opened: {
    roomId: string;
    /** The last member an earlier try told; the job's own. */
    after?: number;
  };
  /** An event was started: who asked to be reminded is to hear of it. */
  event_started: {
    eventId: string;
    /** The last person told. */
    after?: number;
  };
  /** Something was said that counts as unread: whoever is away is to hear of it. */
  message_sent: {
    messageId: number;
    /** The last member an earlier part of the work looked at; the job's own. */
    after?: number;
  };
  /** A message to one person's device; what it says is read when it is sent. */
  message_push: {
    messageId: number;
    userId: number;
    /** What the app's icon shows with it; null: nothing is known of it. */
    badge: number | null;
  };
  /** A broadcast to one member, over the group's Mixin bot. */
  mixin_message: {
    broadcastId: number;
    userId: number;
  };
}
export type PendingKind = keyof PendingPayloads;

/** A piece of work to enter; equal `dedupeKey`s are entered once in a week. */
export type PendingItem = {
  [K in PendingKind]: { kind: K; payload: PendingPayloads[K]; dedupeKey?: string };
}[PendingKind];

/**
 * Enters work for other services, to be done by a job after commit: inside `withTx` it is entered
 * or not together with the change that asks for it.
 * @returns how many were not there yet
 */
export async function enqueue(ctx: Pick<Ctx, "db" | "now">, items: PendingItem[]): Promise<number> {
  if (items.length === 0) return 0;
  const rows = items.map(({ kind, payload, dedupeKey }) => ({
    kind,
    payload,
    dedupe_key: dedupeKey ?? null,
  }));
  const { rows: entered } = await ctx.db.execute(enqueueRows(
    ctx,
    sql`select kind, payload, dedupe_key from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as given(kind text, payload jsonb, dedupe_key text)`,
  ));
  return entered.length;
}

/** The same as a fragment: one row of work for each `payload` and `dedupe_key` of `source`. */
export function enqueueFrom(ctx: Pick<Ctx, "now">, kind: PendingKind, source: SQL): SQL {
  return enqueueRows(
    ctx,
    sql`select ${kind}::text as kind, source.payload, source.dedupe_key::text as dedupe_key
      from (${source}) as source`,
  );
}

/** For a statement that makes messages: work for each row of `sent`, which has `id` and `created_at`. */
export function enqueueSent(sent: SQL): SQL {
  return sql`insert into pending_work (kind, payload, created_at, due_at)
    select 'message_sent', jsonb_build_object('messageId', sent.id), sent.created_at,
      sent.created_at
    from (${sent}) as sent`;
}

function enqueueRows({ now }: Pick<Ctx, "now">, source: SQL): SQL {
  const at = instant(now());
  return sql`insert into pending_work (kind, payload, dedupe_key, created_at, due_at)
    select given.kind, given.payload, given.dedupe_key, ${at}, ${at}
    from (${source}) as given
    on conflict (dedupe_key) do nothing returning id`;
}
