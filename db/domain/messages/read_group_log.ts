import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { int8, rows } from "../../sql.ts";
import {
  INBOX_COLUMNS,
  type InboxMessage,
  inboxMessageColumns,
  messagesOf,
} from "./inbox_message.ts";

export interface ReadGroupLogInput {
  userId: number;
  groupId: number;
  /** Only what came after this number; absent: after what the person's clients have stored. */
  afterSeq?: number | undefined;
  limit: number;
}

/** A page of a super group's log as one of its people sees it, numbered as the log is. */
export interface GroupLogPage {
  /** The number it begins behind. */
  afterSeq: number;
  messages: InboxMessage[];
}

/**
 * What a super group has logged, ascending. What came before a person joined, or after they left,
 * is there as deleted, so that a reader gets past it: theirs is what their inbox has copied, or
 * will copy. Who has left may so read what they had not, the news of their leaving at the end.
 *
 * @returns undefined for who never was in the group, and for one that keeps no log of its own
 */
export async function readGroupLog(
  ctx: Ctx,
  input: ReadGroupLogInput,
): Promise<GroupLogPage | undefined> {
  const found = await rows(ctx, readStatement(input), { ...INBOX_COLUMNS, afterSeq: int8 });
  return found[0] && { afterSeq: found[0].afterSeq, messages: messagesOf(found, input.userId) };
}

function readStatement({ userId, groupId, afterSeq, limit }: ReadGroupLogInput): SQL {
  const after = afterSeq === undefined ? sql`group_members.synced_seq` : sql`${afterSeq}::bigint`;
  return sql`
    with place as materialized (
      select group_members.log_seq, group_members.removed_at, ${after} as after_seq
      from group_members join groups on groups.id = group_members.group_id and groups.is_super
      where group_members.group_id = ${groupId} and group_members.user_id = ${userId}
    ), found as (
      select seq, message_id, ${ChannelType.group}::smallint as channel_type,
        group_id as channel_id
      from group_logs
      where group_id = ${groupId} and seq > (select after_seq from place)
      order by seq limit ${limit}
    ), cleared as materialized (
      select coalesce(max(cleared_seq), 0) as seq from conversations
      where user_id = ${userId} and channel_type = ${ChannelType.group}
        and channel_id = ${groupId}
    )
    select place.after_seq, ${inboxMessageColumns("found")},
      case when copies.seq is null
        then place.removed_at is not null or found.seq <= place.log_seq
        else copies.deleted_at is not null or copies.seq <= cleared.seq end as is_deleted
    from place cross join cleared left join found on true
    left join messages on messages.id = found.message_id
    left join inbox as copies
      on copies.user_id = ${userId} and copies.message_id = found.message_id
    order by found.seq`;
}
