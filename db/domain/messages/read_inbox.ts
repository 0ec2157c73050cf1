import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { bool, builtFor, instant, maybe, type Terms, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { copying, copyingState, newsFor, readCopying } from "./copy_log.ts";
import {
  INBOX_COLUMNS,
  type InboxMessage,
  inboxMessageColumns,
  messagesOf,
} from "./inbox_message.ts";
import { type OwnChannel, ownChannel, tellOwnDevices } from "./own_devices.ts";
import { isDeletedIn } from "./seen.ts";

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
  /**
   * A client shows it to its person: what they threw away is left out, and a channel whose end it
   * has reached is read, which their devices are told. Absent: everything comes, nothing is read.
   */
  isShown?: boolean | undefined;
}

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
  const rows = await readCopying(ctx, {
    statement: statementOf(shapeOf(input), valuesOf(input, ctx.now())),
    columns: { ...INBOX_COLUMNS, channelKnown: bool, read: maybe(typed<OwnChannel>()) },
    mustFind: input.messageId !== undefined,
  });
  if (!rows[0]!.channelKnown) {
    const isPerson = input.channel?.type === ChannelType.person;
    throw new DomainError(isPerson ? "channel_missing" : "group_not_member");
  }
  const { read } = rows[0]!;
  if (read) tellOwnDevices(ctx, read, { cmd: "unreadClear", unread: 0 });
  return messagesOf(rows, input.userId);
}

/** What the text of a reading depends on. */
interface ReadShape {
  isAfterSeq: boolean;
  channelType: number | undefined;
  isOneMessage: boolean;
  isShown: boolean;
}

interface ReadValues {
  userId: number;
  limit: number;
  afterSeq: number | null;
  channelNo: string | null;
  messageId: number | null;
  /** ISO 8601. */
  at: string;
}

const statementOf = builtFor<ReadShape, ReadValues>(readStatement);

function shapeOf(
  { afterSeq, channel, messageId, isShown = false }: ReadInboxInput,
): ReadShape {
  return {
    isAfterSeq: afterSeq !== undefined,
    channelType: channel?.type,
    isOneMessage: messageId !== undefined,
    isShown,
  };
}

function valuesOf(input: ReadInboxInput, at: Date): ReadValues {
  return {
    userId: input.userId,
    limit: input.limit,
    afterSeq: input.afterSeq ?? null,
    channelNo: input.channel?.no ?? null,
    messageId: input.messageId ?? null,
    at: at.toISOString(),
  };
}

/** The channel's internal id; null when there is none for this person, 0 when none was asked for. */
function channelIdOf({ channelType }: ReadShape, { userId, channelNo }: Terms<ReadValues>): SQL {
  if (channelType === undefined) return sql`0::bigint`;
  return channelType === ChannelType.person
    ? sql`(select id from users where uid = ${channelNo})`
    : sql`(select groups.id from groups join group_members on group_members.group_id = groups.id
        where groups.group_no = ${channelNo} and group_members.user_id = ${userId}
          and group_members.removed_at is null)`;
}

function readStatement(shape: ReadShape, given: Terms<ReadValues>): SQL {
  const { userId, limit, afterSeq, messageId } = given;
  const { isAfterSeq, channelType, isOneMessage, isShown } = shape;
  const isRead = isShown && channelType !== undefined;
  const only = (rows: "inbox" | "copied") =>
    sql`${channelType === undefined ? sql`` : sql`and ${ofChannel(shape)}`}
    ${isOneMessage ? sql`and message_id = ${messageId}` : sql``}
    ${isShown ? sql`and not ${isDeletedIn(rows, userId)}` : sql``}`;
  const after = isAfterSeq
    ? sql`${afterSeq}::bigint`
    : sql`coalesce((select acked_seq from inbox_heads where user_id = ${userId}), 0)`;
  const found = sql`, state as (
      select ${copyingState(userId)}, ${channelIdOf(shape, given)} as channel_id
    ), found as (
      (select seq, message_id, channel_type, channel_id, deleted_at from inbox
        where user_id = ${userId} and seq > ${after} ${only("inbox")}
        order by seq limit ${limit})
      union all
      (select seq, message_id, channel_type, channel_id, deleted_at from copied
        where seq > ${after} ${only("copied")})
      order by seq limit ${limit}
    )${isRead ? sql`, ${reachedEnd(shape, given)}` : sql``}`;
  const copies = copying({
    news: newsFor(userId),
    now: instant(given.at),
    reading: found,
    isRead: isRead && channelType === ChannelType.group
      ? sql`group_id = (select channel_id from ended)`
      : undefined,
  });
  return sql`
    with ${copies}${isRead ? sql`, ${markRead(shape, given)}` : sql``}
    select state.hides_some, state.came_second, state.channel_id is not null as channel_known,
      ${isRead ? readOf(shape, given) : sql`null`} as read,
      ${inboxMessageColumns("found")}, ${isDeletedIn("found", userId)} as is_deleted
    from state left join found on true left join messages on messages.id = found.message_id
    order by found.seq`;
}

const ofChannel = ({ channelType }: ReadShape): SQL =>
  sql`channel_type = ${channelType}::smallint and channel_id = (select channel_id from state)`;

/** `ended`: the channel, if there is nothing behind the page that this statement sees. */
function reachedEnd(shape: ReadShape, { userId, limit }: Terms<ReadValues>): SQL {
  return sql`newest as materialized (
      select greatest((select max(seq) from inbox where user_id = ${userId} and ${
    ofChannel(shape)
  }),
        (select max(seq) from copied where ${ofChannel(shape)})) as seq
    ), ended as materialized (
      select state.channel_id, newest.seq from state, newest
      where (select count(*) from found) < ${limit}::int
        or (select max(seq) from found) = newest.seq
    )`;
}

const readOf = ({ channelType }: ReadShape, { userId, channelNo }: Terms<ReadValues>): SQL =>
  sql`case when exists (select 1 from was_unread)
    then ${ownChannel(userId, { type: channelType!, no: sql`${channelNo}::text` })} end`;

/** Reads the ended channel, unless something has come into it meanwhile; `was_unread` if it was. */
function markRead(shape: ReadShape, { userId }: Terms<ReadValues>): SQL {
  const { channelType } = shape;
  return sql`marked as (
      update conversations set read_seq = greatest(read_seq, last_seq), unread_count = 0
      from ended
      where conversations.user_id = ${userId} and channel_type = ${channelType}::smallint
        and conversations.channel_id = ended.channel_id and unread_count > 0
        and last_seq <= ended.seq and not exists (select 1 from listed
          where listed.channel_type = ${channelType}
            and listed.channel_id = conversations.channel_id)
      returning 1
    ), was_unread as (
      select 1 from marked union all
      select 1 from fresh where is_unread and ${channelType} = ${ChannelType.group}
        and group_id = (select channel_id from ended)
      union all
      select 1 from conversations, ended where conversations.user_id = ${userId}
        and channel_type = ${channelType}::smallint and conversations.channel_id = ended.channel_id
        and unread_count > 0 and exists (select 1 from listed
          where listed.channel_type = ${channelType}
            and listed.channel_id = conversations.channel_id)
    )`;
}
