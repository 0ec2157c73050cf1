import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { int8, listOf, rows } from "../../sql.ts";

/** How far a person's clients have said that they fetched their inbox; 0: nothing yet. */
export async function readSyncKey(ctx: Ctx, { userId }: { userId: number }): Promise<number> {
  const [head] = await rows(
    ctx,
    sql`select acked_seq from inbox_heads where user_id = ${userId}`,
    { ackedSeq: int8 },
  );
  return head?.ackedSeq ?? 0;
}

/** How far these groups' logs have got; a group without a log is left out. */
export async function readLogHeads(
  ctx: Ctx,
  { groupIds }: { groupIds: number[] },
): Promise<{ groupId: number; lastSeq: number }[]> {
  return await rows(
    ctx,
    sql`
      select group_id, last_seq from group_heads
      where group_id = any(${listOf(groupIds, "bigint")}) order by group_id`,
    { groupId: int8, lastSeq: int8 },
  );
}
