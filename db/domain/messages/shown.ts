import { type SQL, sql } from "drizzle-orm";
import { ChannelType } from "../../schema/messages.ts";
import { APP_COMMANDS, ContentType, HISTORY_COUNT_MAX } from "./rules.ts";
import { isCommand } from "./seen.ts";

/** How a command of the chat app names itself; not read as JSON, which has letters no database takes. */
const OF_CHAT_APP = `"cmd"\\s*:\\s*"(${APP_COMMANDS.join("|")})"`;
/** How requests to let people into a group begin, which only the chat app can answer. */
const REQUESTS = `{"type":${ContentType.inviteRequested},%`;
/** How a payload carries a notification; inside other texts the quotes are escaped. */
const NOTIFIED = `%"notification":"%`;

/**
 * What one of the app's clients is shown of the messages `kept` lists: not what its owner deleted,
 * nor what was taken back, nor what is for the chat app alone: commands that carry no notification,
 * and requests of a group's people. Written so that a limit behind it stops the looking up.
 *
 * @param kept rows with `message_id`, `seq` (null: still in a large group's log), `channel_type`,
 *   `channel_id` and `deleted_at`
 */
export function shownOf(userId: SQL, kept: SQL): SQL {
  return sql`
    select kept.message_id, kept.channel_type, kept.channel_id, said.sender_id, said.payload,
      said.created_at
    from (${kept}) as kept cross join lateral (
      select sender_id, payload, created_at from messages
      where messages.id = kept.message_id and messages.revoked_at is null
        and (not ${isCommand()} or messages.payload like ${NOTIFIED}
          or messages.payload !~ ${OF_CHAT_APP})
        and not (messages.sender_id is null and messages.group_id is not null
          and messages.payload like ${REQUESTS})
      limit 1
    ) as said
    where kept.deleted_at is null and (kept.seq is null or kept.seq > coalesce((
      select cleared_seq from conversations where user_id = ${userId}
        and conversations.channel_type = kept.channel_type
        and conversations.channel_id = kept.channel_id), 0))`;
}

/** The newest of what large groups have logged and the person's inbox has not copied yet. */
export function loggedFor(userId: SQL, afterSeq: SQL): SQL {
  return sql`
    select news.message_id, null::bigint as seq, ${ChannelType.group}::smallint as channel_type,
      group_members.group_id as channel_id, null::timestamptz as deleted_at
    from group_members join group_heads on group_heads.group_id = group_members.group_id
      and group_heads.last_seq > group_members.log_seq
    cross join lateral (
      select message_id from group_logs
      where group_logs.group_id = group_members.group_id and group_logs.seq > ${afterSeq}
      order by group_logs.seq desc limit ${HISTORY_COUNT_MAX}
    ) as news
    where group_members.user_id = ${userId} and group_members.removed_at is null`;
}
