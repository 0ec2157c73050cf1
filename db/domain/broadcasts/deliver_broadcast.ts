import { type SQL, sql } from "drizzle-orm";
import { chunksOf } from "../../../config/runtime/chunks.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { DELIVERED } from "../../schema/broadcasts.ts";
import { ChannelType } from "../../schema/messages.ts";
import { bool, instant, int8, listOf, nullable, type Row, rows, text, typed } from "../../sql.ts";
import { ontoConversation } from "../messages/conversation_row.ts";
import type { Delivery } from "../messages/copy_log.ts";
import { ContentType } from "../messages/rules.ts";
import { enqueueFrom, enqueueSent } from "../outgoing/enqueue.ts";
import { hasNamedDevice } from "../outgoing/push_targets.ts";
import { DELIVERY_COUNT } from "./rules.ts";

const EVENT_PEOPLE_MAX = 500;

const columns = {
  id: int8,
  groupId: int8,
  text,
  userIds: typed<string[] | null>(),
  messageId: nullable(int8),
  afterUserId: int8,
  isDisbanded: bool,
  hasBot: bool,
};
type Open = Row<typeof columns>;

export function payloadOf(text: string): string {
  return JSON.stringify({ type: ContentType.text, content: text });
}

/**
 * Delivers the oldest broadcast that has not reached everybody to its next members, in the order of
 * their ids: inboxes, conversations, work for the group's bot if it has one, counters and the place
 * reached are committed together, so a member has it once however often this dies. Whoever is a
 * member when their turn comes gets it. Of two workers at once each has a broadcast of its own.
 * @returns how many members it was delivered to; undefined when no broadcast waits for it
 */
export async function deliverNextBroadcast(
  ctx: Ctx,
  { limit = DELIVERY_COUNT }: { limit?: number } = {},
): Promise<number | undefined> {
  const deliveries = await withTx(ctx, async (tx) => {
    const broadcast = await claimOldest(tx);
    return broadcast && await deliverChunk(tx, broadcast, limit);
  });
  if (!deliveries) return undefined;
  for (const heads of chunksOf(deliveries, EVENT_PEOPLE_MAX)) {
    ctx.bus.publish({ kind: "inbox", heads });
  }
  return deliveries.length;
}

async function claimOldest(tx: Ctx): Promise<Open | undefined> {
  const statement = sql`
    select broadcasts.id, broadcasts.group_id, broadcasts.text, broadcasts.user_ids::text[],
      broadcasts.message_id, broadcasts.after_user_id, groups.disbanded_at is not null as is_disbanded,
      groups.client_id is not null and groups.keystore_sealed is not null as has_bot
    from broadcasts join groups on groups.id = broadcasts.group_id
    where state <> 'done' and after_user_id < ${DELIVERED}
    order by broadcasts.id limit 1 for no key update of broadcasts skip locked`;
  return (await rows(tx, statement, columns))[0];
}

async function deliverChunk(tx: Ctx, broadcast: Open, limit: number): Promise<Delivery[]> {
  const { groupId, messageId, hasBot } = broadcast;
  const now = instant(tx.now());
  const statement = sql`
    with receivers as materialized (
      select user_id from group_members
      where group_id = ${groupId} and removed_at is null and ${!broadcast.isDisbanded}
        and user_id > ${broadcast.afterUserId} and ${isMeant(broadcast)}
      order by user_id limit ${limit}
    ), made as (
      insert into messages (channel_type, group_id, payload, content_type, red_dot, created_at)
      select ${ChannelType.group}, ${groupId}, ${payloadOf(broadcast.text)}, ${ContentType.text},
        true, ${now}
      where ${messageId === null} and exists (select from receivers)
      returning id
    ), message as (
      select id from made union all select ${messageId}::bigint where ${messageId !== null}
    ), heads as (
      insert into inbox_heads (user_id, last_seq)
      select user_id, 1 from receivers order by user_id
      on conflict (user_id) do update set last_seq = inbox_heads.last_seq + 1
      returning user_id, last_seq
    ), boxed as (
      insert into inbox (user_id, seq, message_id, channel_type, channel_id)
      select user_id, last_seq, message.id, ${ChannelType.group}, ${groupId}::bigint
      from heads, message
    ), listed as (
      insert into conversations as known
        (user_id, channel_type, channel_id, last_seq, unread_count, updated_at)
      select user_id, ${ChannelType.group}, ${groupId}::bigint, last_seq, 1, ${now} from heads
      ${ontoConversation()}
    ), pushed as (
      ${enqueueSent(sentToAll(broadcast, { limit, now }))}
    )${hasBot ? sql`, entered as (${enterSends(tx, broadcast)})` : sql``}, kept as (
      ${keepProgress(broadcast, { limit, now })}
    )
    select user_id, last_seq as seq from heads`;
  return await rows(tx, statement, { userId: int8, seq: int8 });
}

/**
 * The message, with the last of its members: their phones are told by it, all at once. Only where
 * somebody in the group has one.
 */
function sentToAll({ groupId }: Open, { limit, now }: { limit: number; now: SQL }): SQL {
  return sql`select id, ${now} as created_at from message
    where (select count(*) from receivers) < ${limit} and exists (
      select from group_members where group_id = ${groupId}
        and ${hasNamedDevice(sql`group_members.user_id`)})`;
}

function isMeant({ userIds }: Open): SQL {
  return userIds === null ? sql`true` : sql`user_id = any(${listOf(userIds, "bigint")})`;
}

function enterSends(tx: Ctx, { id }: Open): SQL {
  const broadcastId = sql`${id}::bigint`;
  return enqueueFrom(
    tx,
    "mixin_message",
    sql`select jsonb_build_object('broadcastId', ${broadcastId}, 'userId', user_id) as payload,
      'broadcast:' || ${broadcastId} || ':' || user_id as dedupe_key from receivers`,
  );
}

/** `total_count` counts those delivered to so far; of a group without a bot they have it all. */
function keepProgress({ id, hasBot }: Open, { limit, now }: { limit: number; now: SQL }) {
  const isLast = sql`chunk.count < ${limit}`;
  const sentCount = sql`sent_count + case when ${hasBot} then 0 else chunk.count end`;
  const hasEnded = sql`${isLast} and ${sentCount} + failed_count >= total_count + chunk.count`;
  return sql`update broadcasts set message_id = coalesce(message_id, (select id from message)),
      after_user_id = case when ${isLast} then ${DELIVERED} else chunk.last end,
      total_count = total_count + chunk.count, sent_count = ${sentCount},
      state = case when ${hasEnded} then 'done' else 'sending' end,
      finished_at = case when ${hasEnded} then ${now} end
    from (select count(*)::int as count, max(user_id) as last from receivers) as chunk
    where broadcasts.id = ${id}`;
}
