import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { instant, listOf } from "../../sql.ts";
import type { Delivery } from "../messages/copy_log.ts";
import type { Announcement } from "./announce.ts";
import type { Change } from "./change.ts";
import { removeMembers } from "./membership.ts";
import { type Person } from "./people.ts";

/** People one statement copies a log for. */
const PEOPLE_PER_COPY_MAX = 1_000;
/** Messages one statement copies, over all its people: at least the last five for each. */
const COPIES_COUNT_MAX = 5_000;

/** How far somebody had read a group's log. */
interface Reader {
  userId: number;
  logSeq: number;
}

/**
 * Takes people out of a locked group, having told everybody in it, them included. Of a large
 * group's log they get into their inboxes what they had not read yet: once they are out, nobody
 * copies it for them any more. Of a long log that is its end; how much depends on how many go.
 */
export async function dismiss(
  { ctx, group, announcer }: Change,
  { people, said }: { people: Pick<Person, "userId">[]; said: Announcement },
): Promise<void> {
  const told = await announcer.announce(said);
  if (told.loggedInGroup !== undefined) {
    for (let from = 0; from < people.length; from += PEOPLE_PER_COPY_MAX) {
      const userIds = people.slice(from, from + PEOPLE_PER_COPY_MAX).map(({ userId }) => userId);
      const readers = await lockReaders(ctx, { groupId: group.id, userIds });
      const deliveries = await copyLog(ctx, { groupId: group.id, readers });
      announcer.accepted.push({ ...told, deliveries, loggedInGroup: undefined });
    }
  }
  await removeMembers(ctx, group, people);
}

/** Rows of members are locked before inboxes, as reading an inbox locks them. */
async function lockReaders(
  ctx: Ctx,
  { groupId, userIds }: { groupId: number; userIds: number[] },
): Promise<Reader[]> {
  const { rows } = await ctx.db.execute<{ user_id: string; log_seq: string }>(sql`
    select user_id, log_seq from group_members
    where group_id = ${groupId} and user_id = any(${listOf(userIds, "bigint")})
      and removed_at is null
    order by user_id for no key update`);
  return rows.map(({ user_id, log_seq }) => ({ userId: Number(user_id), logSeq: Number(log_seq) }));
}

/**
 * The announcement holds the log's head, so its end is the announcement itself. The readers come as
 * lists, by whose length the planner knows not to go through one table for each of them.
 */
async function copyLog(
  ctx: Ctx,
  { groupId, readers }: { groupId: number; readers: Reader[] },
): Promise<Delivery[]> {
  const userIds = listOf(readers.map(({ userId }) => userId), "bigint");
  const logSeqs = listOf(readers.map(({ logSeq }) => logSeq), "bigint");
  const countMax = Math.floor(COPIES_COUNT_MAX / Math.max(readers.length, 1));
  const { rows } = await ctx.db.execute<{ user_id: string; last_seq: string }>(sql`
    with log_head as materialized (
      select last_seq from group_heads where group_id = ${groupId}
    ), lines as materialized (
      select group_logs.seq, group_logs.message_id, messages.red_dot, messages.sender_id
      from group_logs join messages on messages.id = group_logs.message_id
      where group_logs.group_id = ${groupId}
        and group_logs.seq > (select last_seq from log_head) - ${countMax}::bigint
    ), fresh as materialized (
      select leaving.user_id, lines.message_id,
        row_number() over (partition by leaving.user_id order by lines.seq) as place,
        count(*) over (partition by leaving.user_id) as count,
        lines.red_dot and lines.sender_id is distinct from leaving.user_id as is_unread
      from unnest(${userIds}, ${logSeqs}) as leaving (user_id, log_seq)
      join lines on lines.seq > leaving.log_seq
    ), marked as (
      update group_members set log_seq = (select last_seq from log_head)
      where group_id = ${groupId} and user_id = any(${userIds}) and removed_at is null
    ), heads as (
      insert into inbox_heads (user_id, last_seq)
      select user_id, count(*) from fresh group by user_id order by user_id
      on conflict (user_id) do update set last_seq = inbox_heads.last_seq + excluded.last_seq
      returning user_id, last_seq
    ), boxed as (
      insert into inbox (user_id, seq, message_id, channel_type, channel_id)
      select fresh.user_id, heads.last_seq - fresh.count + fresh.place, fresh.message_id,
        ${ChannelType.group}, ${groupId}::bigint
      from fresh join heads on heads.user_id = fresh.user_id
    ), listed as (
      insert into conversations
        (user_id, channel_type, channel_id, last_seq, unread_count, updated_at)
      select heads.user_id, ${ChannelType.group}, ${groupId}::bigint, max(heads.last_seq),
        count(*) filter (where fresh.is_unread), ${instant(ctx.now())}
      from heads join fresh on fresh.user_id = heads.user_id
      group by heads.user_id
      on conflict (user_id, channel_type, channel_id) do update
        set last_seq = excluded.last_seq, updated_at = excluded.updated_at,
          unread_count = conversations.unread_count + excluded.unread_count
    )
    select user_id, last_seq from heads`);
  return rows.map(({ user_id, last_seq }) => ({ userId: Number(user_id), seq: Number(last_seq) }));
}
