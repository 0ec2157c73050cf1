import { sql } from "drizzle-orm";
import type { Ctx } from "../../client.ts";

/**
 * Gives a dead letter all its tries again, from now on. Its message id stays, so that a receiver
 * who has had it after all drops it.
 *
 * @returns false when there is no such dead letter
 */
export async function redriveWork(ctx: Ctx, id: number): Promise<boolean> {
  const { rows } = await ctx.db.execute(sql`
    update pending_work set dead_at = null, attempt_count = 0,
      due_at = ${ctx.now().toISOString()}::timestamptz
    where id = ${id} and dead_at is not null returning id`);
  return rows.length === 1;
}
