import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { instant, int8 } from "../../sql.ts";
import { copying, copyingState, newsFor, readCopying } from "./copy_log.ts";
import {
  INBOX_COLUMNS,
  type InboxMessage,
  inboxMessageColumns,
  messageOf,
} from "./inbox_message.ts";
import { countsFor, isCommand } from "./seen.ts";

export interface Conversation {
  channelType: number;
  channelNo: string;
  unreadCount: number;
  lastMessage: InboxMessage;
}

/** Most conversations one list shows. */
export const CONVERSATION_COUNT_MAX = 200;
/** Readings of the logs one list makes. */
const ROUND_COUNT_MAX = 20;

/**
 * A person's conversations, the one with the newest message first: the last one that is no command
 * and that the person has not thrown away; with none there is no conversation. What large groups have logged is
 * copied into the inbox first, as reading it does, and again while there is more; of what is more than
 * {@link ROUND_COUNT_MAX} readings copy, the list shows the newest without a number and counts all.
 */
export async function listConversations(ctx: Ctx, userId: number): Promise<Conversation[]> {
  const found = await readAll(ctx, userId);
  return found.map((row) => {
    const lastMessage = messageOf(row, userId);
    return {
      channelType: lastMessage.channelType,
      channelNo: lastMessage.channelNo,
      unreadCount: row.unread,
      lastMessage,
    };
  });
}

async function readAll(ctx: Ctx, userId: number) {
  for (let round = 1;; round++) {
    const found = await readCopying(ctx, {
      statement: listStatement(userId, ctx.now()),
      columns: { ...INBOX_COLUMNS, unread: int8 },
    });
    if (round === ROUND_COUNT_MAX || found.every(({ seq }) => seq !== 0)) return found;
  }
}

function listStatement(userId: number, at: Date): SQL {
  const me = sql`${userId}::bigint`;
  return sql`
    with ${copying({ news: newsFor(userId), now: instant(at) })}, kept as (
      select channel_type, channel_id, last_seq, unread_count, cleared_seq from conversations
      where user_id = ${me} and channel_id > 0 and last_seq > greatest(cleared_seq, hidden_seq)
        and not exists (select 1 from listed where listed.channel_type = conversations.channel_type
          and listed.channel_id = conversations.channel_id)
      order by last_seq desc limit ${CONVERSATION_COUNT_MAX}
    ), mine as (
      select kept.*, last.seq, last.message_id from kept cross join lateral (
        -- The last one but for those that were thrown away since; and older marks stand at commands.
        select inbox.seq, inbox.message_id from inbox
        join messages on messages.id = inbox.message_id and not ${isCommand()}
        where inbox.user_id = ${me} and inbox.channel_type = kept.channel_type
          and inbox.channel_id = kept.channel_id and inbox.seq <= kept.last_seq
          and inbox.seq > kept.cleared_seq and inbox.deleted_at is null
        order by inbox.seq desc limit 1
      ) as last
      union all
      select listed.channel_type, listed.channel_id, listed.last_seq, listed.unread_count,
        listed.cleared_seq, copied.seq, copied.message_id
      from listed join copied on copied.seq = listed.last_seq
    ), beyond as (
      select claimed.group_id, last.message_id, rest.unread
      from claimed join group_heads on group_heads.group_id = claimed.group_id
        and group_heads.last_seq > claimed.new_seq
      cross join lateral (
        select group_logs.message_id from group_logs
        join messages on messages.id = group_logs.message_id and not ${isCommand()}
        where group_logs.group_id = claimed.group_id and group_logs.seq > claimed.new_seq
        order by group_logs.seq desc limit 1
      ) as last
      cross join lateral (
        select count(*) filter (where ${countsFor(me)}) as unread
        from group_logs join messages on messages.id = group_logs.message_id
        where group_logs.group_id = claimed.group_id and group_logs.seq > claimed.new_seq
      ) as rest
    ), shown as (
      select coalesce(beyond.message_id, mine.message_id) as message_id,
        case when beyond.message_id is null then mine.seq else 0 end as seq,
        mine.channel_type, mine.channel_id, mine.unread_count + coalesce(beyond.unread, 0) as unread
      from mine left join beyond on mine.channel_type = ${ChannelType.group}
        and mine.channel_id = beyond.group_id
    )
    select ${inboxMessageColumns("shown")}, false as is_deleted, shown.unread,
      ${copyingState(userId)}
    from shown join messages on messages.id = shown.message_id
    order by messages.id desc limit ${CONVERSATION_COUNT_MAX}`;
}
