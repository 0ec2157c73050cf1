import { sql } from "drizzle-orm";
import type { Ctx } from "../../client.ts";

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
    const ids = arrayOf(userIds.slice(from, from + PEOPLE_COUNT_MAX));
    const { rows } = await ctx.db.execute<{ id: string; seq: string; has_news: boolean }>(sql`
      with news as (
        select distinct group_members.user_id from group_members
        join group_heads on group_heads.group_id = group_members.group_id
          and group_heads.last_seq > group_members.log_seq
        where group_members.user_id = any(${ids}::bigint[]) and group_members.removed_at is null
      )
      select asked.id::text, coalesce(inbox_heads.last_seq, 0)::text as seq,
        news.user_id is not null as has_news
      from unnest(${ids}::bigint[]) as asked(id)
      left join inbox_heads on inbox_heads.user_id = asked.id
      left join news on news.user_id = asked.id`);
    for (const { id, seq, has_news } of rows) {
      heads.set(Number(id), { seq: Number(seq), hasNews: has_news });
    }
  }
  return heads;
}

/** Which of these people are in a group. */
export async function membersAmong(
  ctx: Ctx,
  { groupId, userIds }: { groupId: number; userIds: number[] },
): Promise<number[]> {
  const members: number[] = [];
  for (let from = 0; from < userIds.length; from += PEOPLE_COUNT_MAX) {
    const ids = arrayOf(userIds.slice(from, from + PEOPLE_COUNT_MAX));
    const { rows } = await ctx.db.execute<{ user_id: string }>(sql`
      select user_id::text from group_members
      where group_id = ${groupId} and removed_at is null and user_id = any(${ids}::bigint[])`);
    for (const { user_id } of rows) members.push(Number(user_id));
  }
  return members;
}

function arrayOf(ids: number[]) {
  return sql.param(`{${ids.join(",")}}`);
}
