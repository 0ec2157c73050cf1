import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { bool, int8, listOf, rows } from "../../sql.ts";

/** How far a person's inbox has got. */
export interface Head {
  seq: number;
  /** Large groups have logged something that is not in the inbox yet; reading it copies that. */
  hasNews: boolean;
}

/** Most people one statement is asked about. */
const PEOPLE_COUNT_MAX = 5_000;

/** The heads of these people's inboxes, one trip for thousands of them. */
export async function readHeads(ctx: Ctx, userIds: number[]): Promise<Map<number, Head>> {
  const heads = new Map<number, Head>();
  for (let from = 0; from < userIds.length; from += PEOPLE_COUNT_MAX) {
    const ids = listOf(userIds.slice(from, from + PEOPLE_COUNT_MAX), "bigint");
    const statement = sql`
      with news as (
        select distinct group_members.user_id from group_members
        join group_heads on group_heads.group_id = group_members.group_id
          and group_heads.last_seq > group_members.log_seq
        where group_members.user_id = any(${ids}) and group_members.removed_at is null
      )
      select asked.id, coalesce(inbox_heads.last_seq, 0) as seq,
        news.user_id is not null as has_news
      from unnest(${ids}) as asked(id)
      left join inbox_heads on inbox_heads.user_id = asked.id
      left join news on news.user_id = asked.id`;
    for (
      const { id, ...head } of await rows(ctx, statement, { id: int8, seq: int8, hasNews: bool })
    ) {
      heads.set(id, head);
    }
  }
  return heads;
}

/**
 * Notes how far people's devices have confirmed what was pushed to them (RECVACK), by user id; one
 * trip for thousands. A mark never goes back. It says nothing of what was read or fetched: that is
 * `acknowledge`.
 */
export async function markDelivered(ctx: Ctx, marks: ReadonlyMap<number, number>): Promise<void> {
  const entries = [...marks];
  for (let from = 0; from < entries.length; from += PEOPLE_COUNT_MAX) {
    const page = entries.slice(from, from + PEOPLE_COUNT_MAX);
    await ctx.db.execute(sql`
      with marks as (
        select inbox_heads.user_id, confirmed.seq
        from unnest(${listOf(page.map(([userId]) => userId), "bigint")},
          ${listOf(page.map(([, seq]) => seq), "bigint")}) as confirmed(user_id, seq)
        join inbox_heads on inbox_heads.user_id = confirmed.user_id
        where inbox_heads.delivered_seq < confirmed.seq
        -- Locked in the order in which every message locks them; compared again behind the lock.
        order by inbox_heads.user_id for no key update of inbox_heads
      )
      update inbox_heads set delivered_seq = marks.seq
      from marks where inbox_heads.user_id = marks.user_id`);
  }
}

/** Which of these people are in a group. */
export async function membersAmong(
  ctx: Ctx,
  { groupId, userIds }: { groupId: number; userIds: number[] },
): Promise<number[]> {
  const members: number[] = [];
  for (let from = 0; from < userIds.length; from += PEOPLE_COUNT_MAX) {
    const ids = listOf(userIds.slice(from, from + PEOPLE_COUNT_MAX), "bigint");
    const found = await rows(
      ctx,
      sql`
        select user_id from group_members
        where group_id = ${groupId} and removed_at is null and user_id = any(${ids})`,
      { userId: int8 },
    );
    for (const { userId } of found) members.push(userId);
  }
  return members;
}
