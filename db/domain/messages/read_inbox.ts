import { type SQL, sql } from "drizzle-orm";
import { brokenConstraintOf, type Ctx } from "../../client.ts";
import { ChannelType } from "../../schema/messages.ts";
import { DomainError } from "../errors.ts";

/** A message as it lies in one person's inbox. */
export interface InboxMessage {
  messageId: number;
  seq: number;
  channelType: number;
  /** uid of the other person, or the group's number; what clients call the channel. */
  channelNo: string;
  /** Empty: the system. */
  fromUid: string;
  clientMsgNo: string;
  payload: string;
  redDot: boolean;
  syncOnce: boolean;
  createdAt: Date;
  /** The owner threw it away. */
  isDeleted: boolean;
  /** Taken back, and by whom. */
  revokerUid: string | undefined;
}

export interface ReadInboxInput {
  userId: number;
  /** Only what came after this number. */
  afterSeq: number;
  limit: number;
  /** Only this channel; the id is internal. */
  channel?: { type: number; id: number } | undefined;
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
 */
export async function readInbox(ctx: Ctx, input: ReadInboxInput): Promise<InboxMessage[]> {
  for (let attempt = 1;; attempt++) {
    const rows = await runRead(ctx, input);
    // A message that arrived while the log was being copied has a number below the copies, but this
    // statement's snapshot does not show it: the copies alone would hide it from the reader for good.
    const isWhole = rows !== undefined && !rows[0]!.stale;
    if (isWhole) return rows.filter(({ seq }) => seq !== null).map(messageOf);
    if (attempt === READ_COUNT_MAX) throw new DomainError("service_unavailable");
  }
}

/** How often a read that met another one, or a message arriving, is done again. */
const READ_COUNT_MAX = 5;

/** @returns undefined when another device of the same person copied the same log first */
async function runRead(ctx: Ctx, input: ReadInboxInput): Promise<InboxRow[] | undefined> {
  try {
    return (await ctx.db.execute<InboxRow>(readStatement(input, ctx.now()))).rows;
  } catch (error) {
    if (brokenConstraintOf(error) === "inbox_message") return undefined;
    throw error;
  }
}

function messageOf(row: InboxRow): InboxMessage {
  return {
    messageId: Number(row.message_id),
    seq: Number(row.seq),
    channelType: Number(row.channel_type),
    channelNo: row.channel_no ?? "",
    fromUid: row.from_uid ?? "",
    clientMsgNo: row.client_msg_no ?? "",
    payload: row.payload,
    redDot: row.red_dot,
    syncOnce: row.sync_once,
    createdAt: new Date(Number(row.created_ms)),
    isDeleted: row.is_deleted,
    revokerUid: row.revoked ? row.revoker_uid ?? "" : undefined,
  };
}

interface InboxRow extends Record<string, unknown> {
  /** The copies left out a message that is already there. */
  stale: boolean;
  message_id: string;
  seq: string;
  channel_type: number;
  channel_no: string | null;
  from_uid: string | null;
  client_msg_no: string | null;
  payload: string;
  red_dot: boolean;
  sync_once: boolean;
  created_ms: string;
  is_deleted: boolean;
  revoked: boolean;
  revoker_uid: string | null;
}

function readStatement(input: ReadInboxInput, at: Date): SQL {
  const { userId, afterSeq, limit, channel, messageId } = input;
  const now = sql`${at.toISOString()}::timestamptz`;
  const only = sql.join([
    sql``,
    ...channel ? [sql`and channel_type = ${channel.type} and channel_id = ${channel.id}`] : [],
    ...messageId === undefined ? [] : [sql`and message_id = ${messageId}`],
  ], sql` `);
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
        (select coalesce(max(seq), 0) from inbox where user_id = ${userId})) as stale
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
        where user_id = ${userId} and seq > ${afterSeq} ${only}
        order by seq limit ${limit})
      union all
      (select seq, message_id, channel_type, channel_id, deleted_at from copied
        where seq > ${afterSeq} ${only})
      order by seq limit ${limit}
    )
    select state.stale, found.seq::text, found.message_id::text, found.channel_type,
      case when found.channel_type = ${ChannelType.person}
        then (select uid from users where id = found.channel_id)
        else (select group_no from groups where id = found.channel_id) end as channel_no,
      (select uid from users where id = messages.sender_id) as from_uid,
      messages.client_msg_no, messages.payload, messages.red_dot, messages.sync_once,
      (extract(epoch from messages.created_at) * 1000)::bigint::text as created_ms,
      found.deleted_at is not null as is_deleted, messages.revoked_at is not null as revoked,
      (select uid from users where id = messages.revoker_id) as revoker_uid
    from state left join found on true left join messages on messages.id = found.message_id
    order by found.seq`;
}
