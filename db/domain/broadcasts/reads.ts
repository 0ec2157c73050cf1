import { sql } from "drizzle-orm";
import { unseal } from "../../../config/runtime/sealed.ts";
import { uuidText, uuidV5 } from "../../../config/runtime/uuid.ts";
import type { Ctx } from "../../client/ctx.ts";
import { type broadcastStates, DELIVERED } from "../../schema/broadcasts.ts";
import { int4, int8, listOf, maybe, milliseconds, type Row, rows, text, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { keystoreBinding } from "../groups/keystore.ts";

export interface BroadcastState {
  id: number;
  state: (typeof broadcastStates)[number];
  /** Those it is for; until all have been reached, those it would be for now. */
  total: number;
  /** Those who have it; in a group with a bot, over Mixin too. */
  sent: number;
  /** Those Mixin will not take it for: dead letters. */
  failed: number;
}

/** @throws {DomainError} `broadcast_missing` */
export async function readBroadcast(ctx: Ctx, broadcastId: number): Promise<BroadcastState> {
  const statement = sql`
    select broadcasts.id, state, sent_count as sent, failed_count as failed,
      case when after_user_id = ${DELIVERED} then total_count else greatest(total_count,
        coalesce(cardinality(user_ids), groups.member_count)) end as total
    from broadcasts join groups on groups.id = broadcasts.group_id
    where broadcasts.id = ${broadcastId}`;
  const columns = {
    id: int8,
    state: typed<BroadcastState["state"]>(),
    total: int4,
    sent: int4,
    failed: int4,
  };
  const [broadcast] = await rows(ctx, statement, columns);
  if (!broadcast) throw new DomainError("broadcast_missing");
  return broadcast;
}

export interface BroadcastToSend {
  text: string;
  /** Undefined: the group has no bot any more, or one whose keystore does not open. */
  bot: { clientId: string; keystore: string } | undefined;
  receivers: Map<number, { mixinUserId: string; messageId: string }>;
}

const sendColumns = {
  id: int8,
  text,
  createdMs: int8,
  groupId: int8,
  clientId: maybe(text),
  keystoreSealed: maybe(text),
  userId: int8,
  uid: text,
};

/** Ours alone, so that no other program's ids meet ours. */
const NAMESPACE = "0b6c5f0e9d3a4c7f8e21a4d7c3b95f60";

/**
 * Broadcasts by id, with the people of them that are asked about; one statement. The id of the
 * message to each is made of broadcast and person alone, so that Mixin drops what it has had.
 */
export async function readBroadcastsToSend(
  ctx: Ctx,
  asked: { broadcastId: number; userId: number }[],
): Promise<Map<number, BroadcastToSend>> {
  const statement = sql`
    select broadcasts.id, text, ${milliseconds(sql`broadcasts.created_at`)} as created_ms,
      groups.id as group_id, client_id, keystore_sealed, users.id as user_id, users.uid
    from unnest(${listOf(asked.map(({ broadcastId }) => broadcastId), "bigint")},
      ${listOf(asked.map(({ userId }) => userId), "bigint")}) as asked (broadcast_id, user_id)
    join broadcasts on broadcasts.id = asked.broadcast_id
    join groups on groups.id = broadcasts.group_id
    join users on users.id = asked.user_id`;
  const found = new Map<number, BroadcastToSend>();
  for (const row of await rows(ctx, statement, sendColumns)) {
    const { id, createdMs, userId, uid } = row;
    const broadcast = found.get(id) ??
      { text: row.text, bot: botOf(ctx, row), receivers: new Map() };
    found.set(id, broadcast);
    broadcast.receivers.set(userId, {
      mixinUserId: uuidText(uid),
      // The time of birth tells broadcasts of different databases with one number apart.
      messageId: uuidV5(NAMESPACE, `${id}:${createdMs}:${userId}`),
    });
  }
  return found;
}

function botOf(
  { config }: Ctx,
  { clientId, keystoreSealed, groupId }: Row<typeof sendColumns>,
): BroadcastToSend["bot"] {
  if (clientId === undefined || keystoreSealed === undefined) return undefined;
  try {
    const keystore = unseal(config.keys, keystoreSealed, keystoreBinding(groupId));
    return { clientId, keystore };
  } catch {
    return undefined;
  }
}
