import { and, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { blocks } from "../../schema/blocks.ts";
import { userIdOf } from "../paging/keyset.ts";

/** Takes a block back; a person who is not blocked, or not there, stays so. */
export async function unblockUser(
  ctx: Ctx,
  { userId, uid }: { userId: number; uid: string },
): Promise<void> {
  await ctx.db.delete(blocks)
    .where(and(eq(blocks.userId, userId), sql`${blocks.blockedId} = ${userIdOf(uid)}`));
}
