import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import {
  bool,
  built,
  instant,
  int8,
  maybe,
  milliseconds,
  type Terms,
  time,
  typed,
} from "../../sql.ts";
import type { KeptExtra } from "./conversation_extras.ts";
import { type ExtendedMessage, type MessageExtra, messageExtraColumn } from "./extra_column.ts";
import { copying, copyingState, newsFor } from "./copy_log.ts";
import { isBehind, readNewest } from "./copy_whole_logs.ts";
import { INBOX_COLUMNS, inboxMessageColumns, messageOf } from "./inbox_message.ts";
import { isReadable } from "./seen.ts";
import { CONVERSATION_COUNT_MAX } from "./list_conversations.ts";

/** A conversation as the chat app's web client keeps it. */
export interface SyncedConversation {
  channelType: number;
  channelNo: string;
  /** The other person's id, or the group's. */
  channelId: number;
  unreadCount: number;
  mute: boolean;
  top: boolean;
  /** Everything up to here was thrown away. */
  clearedSeq: number;
  updatedAt: Date;
  /** What the person's devices keep of it; undefined: nothing. */
  kept: KeptExtra | undefined;
  /** Newest first, at least one. */
  recents: ExtendedMessage[];
}

/** Most messages of one conversation. */
export const RECENT_COUNT_MAX = 100;
/** Most messages of all together; beyond it each conversation has fewer. */
const MESSAGE_COUNT_MAX = 5_000;

/**
 * A person's conversations with the newest messages of each, the one with the newest first; what
 * large groups have logged is copied into the inbox first. A conversation without a message that
 * can be read is left out, and one taken off the list until there is a newer one.
 */
export async function syncConversations(
  ctx: Ctx,
  { userId, recentCount }: { userId: number; recentCount: number },
): Promise<SyncedConversation[]> {
  const found = await readNewest(ctx, {
    statement: statementOf({
      userId,
      recentCount: Math.min(recentCount, RECENT_COUNT_MAX),
      at: ctx.now().toISOString(),
    }),
    columns: {
      ...INBOX_COLUMNS,
      channelId: int8,
      unread: int8,
      mute: bool,
      top: bool,
      clearedSeq: int8,
      updatedAt: time,
      kept: maybe(typed<KeptExtra>()),
      extra: typed<MessageExtra>(),
    },
  });
  const conversations = new Map<string, SyncedConversation>();
  for (const row of found) {
    if (row.seq === undefined) continue;
    const message = { ...messageOf(row, userId), extra: row.extra };
    const key = `${row.channelType}:${row.channelId}`;
    const known = conversations.get(key);
    if (known) known.recents.push(message);
    else conversations.set(key, conversationOf(row, message));
  }
  return [...conversations.values()];
}

function conversationOf(
  row:
    & Pick<SyncedConversation, "channelId" | "mute" | "top" | "clearedSeq" | "updatedAt" | "kept">
    & { unread: number },
  message: ExtendedMessage,
): SyncedConversation {
  return {
    channelType: message.channelType,
    channelNo: message.channelNo,
    channelId: row.channelId,
    unreadCount: row.unread,
    mute: row.mute,
    top: row.top,
    clearedSeq: row.clearedSeq,
    updatedAt: row.updatedAt,
    kept: row.kept,
    recents: [message],
  };
}

interface SyncValues {
  userId: number;
  recentCount: number;
  /** ISO 8601. */
  at: string;
}

const statementOf = built<SyncValues>(syncStatement);

function syncStatement({ userId, recentCount, at }: Terms<SyncValues>): SQL {
  const columns = sql`channel_type, channel_id, last_seq, unread_count, cleared_seq, hidden_seq,
    updated_at`;
  const part = (rows: "inbox" | "copied") => {
    const its = (column: string) => sql.raw(`${rows}.${column}`);
    return sql`(select ${its("seq")}, ${its("message_id")}
      from ${sql.raw(rows)} join messages on messages.id = ${its("message_id")}
      where ${its("user_id")} = ${userId} and ${its("channel_type")} = kept.channel_type
        and ${its("channel_id")} = kept.channel_id and ${isReadable(rows, sql`kept.cleared_seq`)}
      order by seq desc limit ${recentCount})`;
  };
  const setting = (name: string) =>
    sql`coalesce(peer.${sql.raw(name)}, own.${sql.raw(name)}, false) as ${sql.raw(name)}`;
  return sql`
    with ${copying({ news: newsFor(userId), now: instant(at) })}, state as (
      select ${copyingState(userId)}, ${isBehind}
    ), kept as (
      (select ${columns} from conversations
        where user_id = ${userId} and channel_id > 0
          and last_seq > greatest(cleared_seq, hidden_seq) and not exists (
            select 1 from listed where listed.channel_type = conversations.channel_type
              and listed.channel_id = conversations.channel_id)
        order by last_seq desc limit ${CONVERSATION_COUNT_MAX})
      union all
      select ${columns} from listed
      order by last_seq desc limit ${CONVERSATION_COUNT_MAX}
    ), recent as (
      select kept.*, line.seq, line.message_id,
        row_number() over (partition by kept.channel_type, kept.channel_id order by line.seq desc)
          as place,
        max(line.seq) over (partition by kept.channel_type, kept.channel_id) as newest_seq,
        max(line.message_id) over (partition by kept.channel_type, kept.channel_id) as newest_id
      from kept cross join lateral (
        ${part("inbox")} union all ${part("copied")}
        order by seq desc limit ${recentCount}
      ) as line
    ), shown as (
      select * from recent where newest_seq > hidden_seq order by place limit ${MESSAGE_COUNT_MAX}
    )
    select state.*, ${inboxMessageColumns("shown")}, false as is_deleted, shown.channel_id,
      shown.unread_count as unread, shown.cleared_seq,
      ${milliseconds(sql`shown.updated_at`)} as updated_at, ${setting("mute")}, ${setting("top")},
      case when extras.user_id is not null then json_build_object('browseTo', extras.browse_to,
        'keepMessageSeq', extras.keep_message_seq, 'keepOffsetY', extras.keep_offset_y,
        'draft', extras.draft, 'version', extras.version) end as kept,
      ${messageExtraColumn("shown", userId)}
    from state left join shown on true left join messages on messages.id = shown.message_id
    left join peer_settings as peer on shown.channel_type = ${ChannelType.person}
      and peer.user_id = ${userId} and peer.peer_id = shown.channel_id
    left join group_settings as own on shown.channel_type = ${ChannelType.group}
      and own.user_id = ${userId} and own.group_id = shown.channel_id
    left join conversation_extras as extras on extras.user_id = ${userId}
      and extras.channel_type = shown.channel_type and extras.channel_id = shown.channel_id
    order by shown.newest_id desc, shown.seq desc`;
}
