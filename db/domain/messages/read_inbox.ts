import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { brokenConstraintOf } from "../../client/errors.ts";
import { ChannelType } from "../../schema/messages.ts";
import { DomainError } from "../errors.ts";
import {
  type InboxMessage,
  inboxMessageColumns,
  type InboxRow,
  messageOf,
} from "./inbox_message.ts";

export type { InboxMessage };

export interface ReadInboxInput {
  userId: number;
  /** Only what came after this number; absent: after what was acknowledged. */
  afterSeq?: number | undefined;
  limit: number;
  /** Only this channel, by the name clients call it: a uid, or the number of a group one is in. */
  channel?: { type: number; no: string } | undefined;
  /** Only this message. */
  messageId?: number | undefined;
}

/** Most messages one read copies from large groups' logs; the rest comes with the next. */
const PULL_COUNT_MAX = 1_000;
/** Most messages one read answers. */
export const INBOX_PAGE_COUNT_MAX = 500;

/**
 * What is new in a person's inbox, ascending. First copies what large groups have logged since
 * into it, numbered like everything else, so that nobody can tell the difference; one statement
 * does both.
 *
 * @throws {DomainError} `channel_missing` for an unknown person, `group_not_member`
 */
export async function readInbox(ctx: Ctx, input: ReadInboxInput): Promise<InboxMessage[]> {
  for (let attempt = 1;; attempt++) {
    const rows = await runRead(ctx, input);
    // A message that arrived while the log was being copied has a number below the copies, but this
    // statement's snapshot does not show it: the copies alone would hide it from the reader for good.
    if (rows && !rows[0]!.channel_known) {
      const isPerson = input.channel?.type === ChannelType.person;
      throw new DomainError(isPerson ? "channel_missing" : "group_not_member");
    }
    const isWhole = rows !== undefined && !rows[0]!.stale;
    if (isWhole) return rows.filter(({ seq }) => seq !== null).map(messageOf);
    if (attempt === READ_COUNT_MAX) throw new DomainError("service_unavailable");
  }
}

/** How often a read that met another one, or a message arriving, is done again. */
const READ_COUNT_MAX = 5;

/** @returns undefined when another device of the same person copied the same log first */
async function runRead(ctx: Ctx, input: ReadInboxInput): Promise<ReadRow[] | undefined> {
  try {
    return (await ctx.db.execute<ReadRow>(readStatement(input, ctx.now()))).rows;
  } catch (error) {
    if (brokenConstraintOf(error) === "inbox_message") return undefined;
    throw error;
  }
}

interface ReadRow extends InboxRow {
  /** The copies left out a message that is already there. */
  stale: boolean;
  channel_known: boolean;
}

/** The channel's internal id; null when there is none for this person, 0 when none was asked for. */
function channelIdOf({ userId, channel }: ReadInboxInput): SQL {
  if (!channel) return sql`0::bigint`;
  return channel.type === ChannelType.person
    ? sql`(select id from users where uid = ${channel.no})`
    : sql`(select groups.id from groups join group_members on group_members.group_id = groups.id
        where groups.group_no = ${channel.no} and group_members.user_id = ${userId}
          and group_members.removed_at is null)`;
}

function readStatement(input: ReadInboxInput, at: Date): SQL {
  const { userId, afterSeq, limit, channel, messageId } = input;
  const now = sql`${at.toISOString()}::timestamptz`;
  const only = sql.join([
    sql``,
    ...channel
      ? [sql`and channel_type = ${channel.type} and channel_id = (select channel_id from state)`]
      : [],
    ...messageId === undefined ? [] : [sql`and message_id = ${messageId}`],
  ], sql` `);
  const after = afterSeq ??
    sql`coalesce((select acked_seq from inbox_heads where user_id = ${userId}), 0)`;
  return sql`
    with news as (
      select group_members.group_id, group_members.log_seq as old_seq,
        least(group_heads.last_seq, group_members.log_seq + ${PULL_COUNT_MAX}) as new_seq
      from group_members join group_heads on group_heads.group_id = group_members.group_id
      where group_members.user_id = ${userId} and group_members.removed_at is null
        and group_heads.last_seq > group_members.log_seq
    ), claimed as (
      -- The old mark is compared again behind the row's lock: of two readers one copies.
      update group_members set log_seq = news.new_seq from news
      where group_members.group_id = news.group_id and group_members.user_id = ${userId}
        and group_members.log_seq = news.old_seq
      returning group_members.group_id, news.old_seq, news.new_seq
    ), fresh as (
      select group_logs.group_id, group_logs.message_id, messages.red_dot, messages.sender_id,
        row_number() over (order by group_logs.message_id) as place
      from claimed
      join group_logs on group_logs.group_id = claimed.group_id
        and group_logs.seq > claimed.old_seq and group_logs.seq <= claimed.new_seq
      join messages on messages.id = group_logs.message_id
    ), head as (
      insert into inbox_heads (user_id, last_seq)
      select ${userId}, count(*) from fresh having count(*) > 0
      on conflict (user_id) do update set last_seq = inbox_heads.last_seq + excluded.last_seq
      returning last_seq
    ), state as (
      select exists (select 1 from head where head.last_seq - (select count(*) from fresh) <>
        (select coalesce(max(seq), 0) from inbox where user_id = ${userId})) as stale,
        ${channelIdOf(input)} as channel_id
    ), copied as (
      insert into inbox (user_id, seq, message_id, channel_type, channel_id)
      select ${userId}, head.last_seq - (select count(*) from fresh) + fresh.place,
        fresh.message_id, ${ChannelType.group}, fresh.group_id
      from fresh, head
      returning seq, message_id, channel_type, channel_id, deleted_at
    ), listed as (
      insert into conversations (user_id, channel_type, channel_id, last_seq, unread_count, updated_at)
      select ${userId}, ${ChannelType.group}, copied.channel_id, max(copied.seq),
        count(*) filter (where fresh.red_dot and fresh.sender_id is distinct from ${userId}), ${now}
      from copied join fresh on fresh.message_id = copied.message_id
      group by copied.channel_id
      on conflict (user_id, channel_type, channel_id) do update
        set last_seq = excluded.last_seq, updated_at = excluded.updated_at,
          unread_count = conversations.unread_count + excluded.unread_count
    ), found as (
      (select seq, message_id, channel_type, channel_id, deleted_at from inbox
        where user_id = ${userId} and seq > ${after} ${only}
        order by seq limit ${limit})
      union all
      (select seq, message_id, channel_type, channel_id, deleted_at from copied
        where seq > ${after} ${only})
      order by seq limit ${limit}
    )
    select state.stale, state.channel_id is not null as channel_known,
      ${inboxMessageColumns("found")},
      found.deleted_at is not null or found.seq <= coalesce((select cleared_seq from conversations
        where user_id = ${userId} and conversations.channel_type = found.channel_type
          and conversations.channel_id = found.channel_id), 0) as is_deleted
    from state left join found on true left join messages on messages.id = found.message_id
    order by found.seq`;
}
