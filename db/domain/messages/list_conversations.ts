import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import {
  type InboxMessage,
  inboxMessageColumns,
  type InboxRow,
  messageOf,
} from "./inbox_message.ts";

export interface Conversation {
  channelType: number;
  channelNo: string;
  unreadCount: number;
  lastMessage: InboxMessage;
}

/** Most conversations one list shows. */
const CONVERSATION_COUNT_MAX = 200;

/**
 * A person's conversations, the one with the newest message first. What a large group has logged
 * and nobody has copied yet counts as well.
 */
export async function listConversations(ctx: Ctx, userId: number): Promise<Conversation[]> {
  const { rows } = await ctx.db.execute<InboxRow & { unread: string }>(sql`
    with news as (
      select group_members.group_id as channel_id, last.message_id, fresh.unread
      from group_members join group_heads on group_heads.group_id = group_members.group_id
      join group_logs as last on last.group_id = group_heads.group_id
        and last.seq = group_heads.last_seq
      cross join lateral (
        select count(*) filter (where messages.red_dot
          and messages.sender_id is distinct from ${userId}) as unread
        from group_logs join messages on messages.id = group_logs.message_id
        where group_logs.group_id = group_members.group_id
          and group_logs.seq > group_members.log_seq
      ) as fresh
      where group_members.user_id = ${userId} and group_members.removed_at is null
        and group_heads.last_seq > group_members.log_seq
    ), listed as (
      select coalesce(news.message_id, inbox.message_id) as message_id,
        case when news.message_id is null then conversations.last_seq else 0 end as seq,
        coalesce(conversations.channel_type, ${ChannelType.group}) as channel_type,
        coalesce(conversations.channel_id, news.channel_id) as channel_id,
        coalesce(conversations.unread_count, 0) + coalesce(news.unread, 0) as unread,
        news.message_id is null and (inbox.deleted_at is not null
          or conversations.last_seq <= conversations.cleared_seq) as is_deleted
      from (select * from conversations where user_id = ${userId} and channel_id > 0
        order by last_seq desc limit ${CONVERSATION_COUNT_MAX}) as conversations
      join inbox on inbox.user_id = ${userId} and inbox.seq = conversations.last_seq
      full join news on conversations.channel_type = ${ChannelType.group}
        and conversations.channel_id = news.channel_id
    )
    select ${inboxMessageColumns("listed")}, listed.is_deleted, listed.unread::text
    from listed join messages on messages.id = listed.message_id
    order by messages.id desc limit ${CONVERSATION_COUNT_MAX}`);
  return rows.map((row) => {
    const lastMessage = messageOf(row);
    return {
      channelType: lastMessage.channelType,
      channelNo: lastMessage.channelNo,
      unreadCount: Number(row.unread),
      lastMessage,
    };
  });
}
