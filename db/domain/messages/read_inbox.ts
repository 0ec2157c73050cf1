import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { bool, builtFor, instant, type Terms } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { copying, copyingState, newsFor, readCopying } from "./copy_log.ts";
import {
  INBOX_COLUMNS,
  type InboxMessage,
  inboxMessageColumns,
  isDeletedIn,
  messagesOf,
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
    columns: { ...INBOX_COLUMNS, channelKnown: bool },
    mustFind: input.messageId !== undefined,
  });
  if (!rows[0]!.channelKnown) {
    const isPerson = input.channel?.type === ChannelType.person;
    throw new DomainError(isPerson ? "channel_missing" : "group_not_member");
  }
  return messagesOf(rows);
}

/** What the text of a reading depends on. */
interface ReadShape {
  isAfterSeq: boolean;
  channelType: number | undefined;
  isOneMessage: boolean;
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

function shapeOf({ afterSeq, channel, messageId }: ReadInboxInput): ReadShape {
  return {
    isAfterSeq: afterSeq !== undefined,
    channelType: channel?.type,
    isOneMessage: messageId !== undefined,
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
  const { isAfterSeq, channelType, isOneMessage } = shape;
  const ofChannel = sql`and channel_type = ${channelType}::smallint
    and channel_id = (select channel_id from state)`;
  const only = sql`${channelType === undefined ? sql`` : ofChannel}
    ${isOneMessage ? sql`and message_id = ${messageId}` : sql``}`;
  const after = isAfterSeq
    ? sql`${afterSeq}::bigint`
    : sql`coalesce((select acked_seq from inbox_heads where user_id = ${userId}), 0)`;
  return sql`
    with ${copying({ news: newsFor(userId), now: instant(given.at) })}, state as (
      select ${copyingState(userId)}, ${channelIdOf(shape, given)} as channel_id
    ), found as (
      (select seq, message_id, channel_type, channel_id, deleted_at from inbox
        where user_id = ${userId} and seq > ${after} ${only}
        order by seq limit ${limit})
      union all
      (select seq, message_id, channel_type, channel_id, deleted_at from copied
        where seq > ${after} ${only})
      order by seq limit ${limit}
    )
    select state.hides_some, state.came_second, state.channel_id is not null as channel_known,
      ${inboxMessageColumns("found")}, ${isDeletedIn("found", userId)} as is_deleted
    from state left join found on true left join messages on messages.id = found.message_id
    order by found.seq`;
}
