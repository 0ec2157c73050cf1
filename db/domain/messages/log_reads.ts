import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { listOf } from "../../sql.ts";

/** How far a person's clients have said that they fetched their inbox; 0: nothing yet. */
export async function readSyncKey(ctx: Ctx, { userId }: { userId: number }): Promise<number> {
  const { rows } = await ctx.db.execute<{ acked_seq: string }>(sql`
    select acked_seq::text from inbox_heads where user_id = ${userId}`);
  return Number(rows[0]?.acked_seq ?? 0);
}

/** How far these groups' logs have got; a group without a log is left out. */
export async function readLogHeads(
  ctx: Ctx,
  { groupIds }: { groupIds: number[] },
): Promise<{ groupId: number; lastSeq: number }[]> {
  const { rows } = await ctx.db.execute<{ group_id: string; last_seq: string }>(sql`
    select group_id::text, last_seq::text from group_heads
    where group_id = any(${listOf(groupIds, "bigint")}) order by group_id`);
  return rows.map(({ group_id, last_seq }) => ({
    groupId: Number(group_id),
    lastSeq: Number(last_seq),
  }));
}
