import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";

/**
 * Marks everything up to a number as fetched; that reads nothing. The mark never goes back, and
 * never beyond what there is.
 */
export async function acknowledge(
  ctx: Ctx,
  { userId, seq }: { userId: number; seq: number },
): Promise<void> {
  await ctx.db.execute(sql`
    update inbox_heads set acked_seq = greatest(acked_seq, least(last_seq, ${seq}))
    where user_id = ${userId}`);
}
