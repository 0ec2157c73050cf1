import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";

/**
 * Keeps how far a member's client has read a group's log. The mark never goes back, and never
 * beyond what there is; of who is not in the group nothing is kept.
 */
export async function storeGroupKey(
  ctx: Ctx,
  { userId, groupId, seq }: { userId: number; groupId: number; seq: number },
): Promise<void> {
  await ctx.db.execute(sql`
    update group_members set synced_seq = greatest(synced_seq, least(${seq}::bigint,
      coalesce((select last_seq from group_heads where group_id = ${groupId}), 0)))
    where group_id = ${groupId} and user_id = ${userId} and removed_at is null`);
}
