import { sql } from "drizzle-orm";
import type { Ctx } from "../../client.ts";
import { sha256Hex } from "../../keys.ts";
import type { PendingKind, PendingPayloads } from "./enqueue.ts";
import { ERROR_LENGTH_MAX, PENDING_TRY_COUNT_MAX, waitAfter } from "./rules.ts";

/** Work that is ours until the lease ends; whoever claims it later has a higher fence. */
export type Claim<K extends PendingKind = PendingKind> = {
  [Kind in K]: {
    id: number;
    kind: Kind;
    payload: PendingPayloads[Kind];
    fence: number;
    /** This try included. */
    tryCount: number;
    /** The same at every try, unlike anything else's: receivers drop repeats by it. A UUID. */
    messageId: string;
  };
}[K];

/** The work went to somebody else while we were at it. */
export class LostLeaseError extends Error {
  override name = "LostLeaseError";
  constructor() {
    super("the lease ended before the work did");
  }
}

interface ClaimedRow extends Record<string, unknown> {
  id: string;
  kind: PendingKind;
  payload: unknown;
  fence: number;
  attempt_count: number;
  created_ms: string;
  is_dead: boolean;
}

/**
 * Claims due work, the longest waiting first; nobody else gets it before the lease ends. Work that
 * was claimed too often without an answer (its worker died each time) becomes a dead letter here.
 */
export async function claimDue<K extends PendingKind>(
  ctx: Ctx,
  { kinds, limit, leaseMs }: { kinds: K[]; limit: number; leaseMs: number },
): Promise<Claim<K>[]> {
  const now = ctx.now();
  const at = sql`${now.toISOString()}::timestamptz`;
  const leaseEnd = new Date(now.getTime() + leaseMs).toISOString();
  const isSpent = sql`attempt_count >= ${sql.raw(String(PENDING_TRY_COUNT_MAX))}`;
  const { rows } = await ctx.db.execute<ClaimedRow>(sql`
    with due as (
      select id from pending_work
      where kind in ${kinds} and done_at is null and dead_at is null and due_at <= ${at}
      order by due_at, id limit ${limit} for update skip locked
    )
    update pending_work set fence = fence + 1, attempt_count = attempt_count + 1,
      due_at = ${leaseEnd}::timestamptz,
      dead_at = case when ${isSpent} then ${at} end,
      last_error = case when ${isSpent} then coalesce(last_error, 'no worker came back')
        else last_error end
    from due where pending_work.id = due.id
    returning pending_work.id, kind, payload, fence, attempt_count, dead_at is not null as is_dead,
      (extract(epoch from created_at) * 1000)::bigint::text as created_ms`);
  return rows.filter((row) => !row.is_dead).map((row) => ({
    id: Number(row.id),
    kind: row.kind,
    payload: row.payload,
    fence: row.fence,
    tryCount: row.attempt_count,
    messageId: messageIdOf(row),
  })).sort((a, b) => a.id - b.id) as Claim<K>[];
}

/** The time of birth tells rows of different databases with one number apart. */
function messageIdOf({ id, created_ms }: Pick<ClaimedRow, "id" | "created_ms">): string {
  const hex = sha256Hex(`pending_work:${id}:${created_ms}`);
  const variant = "89ab"[Number.parseInt(hex[16]!, 16) & 3];
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

type Claimed = Pick<Claim, "id" | "fence" | "tryCount">;

/** Marks work done that is still ours; answers how much of it was. */
export async function finishWork(ctx: Ctx, claims: Claimed[]): Promise<number> {
  if (claims.length === 0) return 0;
  const ours = sql.join(
    claims.map(({ id, fence }) => sql`(${id}::bigint, ${fence}::int)`),
    sql`, `,
  );
  const { rows } = await ctx.db.execute(sql`
    update pending_work set done_at = ${ctx.now().toISOString()}::timestamptz, last_error = null
    where (id, fence) in (values ${ours}) and done_at is null and dead_at is null returning id`);
  return rows.length;
}

/** What became of work that failed; `lost`: it was somebody else's by then, and is theirs. */
export type FailOutcome = "waits" | "dead" | "lost";

/**
 * Puts failed work back to be tried again after a wait that doubles, or, when trying again is
 * hopeless (`permanent`) or was done often enough, makes it a dead letter.
 */
export async function failWork(
  ctx: Ctx,
  { id, fence, tryCount }: Claimed,
  { error, permanent = false }: { error: string; permanent?: boolean },
): Promise<FailOutcome> {
  const now = ctx.now();
  const isDead = permanent || tryCount >= PENDING_TRY_COUNT_MAX;
  const deadAt = isDead ? now.toISOString() : null;
  const dueAt = new Date(now.getTime() + waitAfter(tryCount)).toISOString();
  const { rows } = await ctx.db.execute(sql`
    update pending_work set due_at = ${dueAt}::timestamptz, dead_at = ${deadAt}::timestamptz,
      last_error = ${error.slice(0, ERROR_LENGTH_MAX)}
    where id = ${id} and fence = ${fence} and done_at is null and dead_at is null returning id`);
  if (rows.length === 0) return "lost";
  return isDead ? "dead" : "waits";
}
