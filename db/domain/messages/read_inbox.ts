import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { bool } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { copying, copyingState, newsFor, readCopying } from "./copy_log.ts";
import {
  INBOX_COLUMNS,
  type InboxMessage,
  inboxMessageColumns,
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
    statement: readStatement(input, ctx.now()),
    columns: { ...INBOX_COLUMNS, channelKnown: bool },
    mustFind: input.messageId !== undefined,
  });
  if (!rows[0]!.channelKnown) {
    const isPerson = input.channel?.type === ChannelType.person;
    throw new DomainError(isPerson ? "channel_missing" : "group_not_member");
  }
  return messagesOf(rows);
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
    with ${copying({ news: newsFor(userId), at })}, state as (
      select ${copyingState(userId)}, ${channelIdOf(input)} as channel_id
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
      ${inboxMessageColumns("found")},
      found.deleted_at is not null or found.seq <= coalesce((select cleared_seq from conversations
        where user_id = ${userId} and conversations.channel_type = found.channel_type
          and conversations.channel_id = found.channel_id), 0) as is_deleted
    from state left join found on true left join messages on messages.id = found.message_id
    order by found.seq`;
}
