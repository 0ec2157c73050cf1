import { eq } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { users } from "../../schema/users.ts";

export async function readUnreadTotal(ctx: Ctx, { userId }: { userId: number }): Promise<number> {
  const [row] = await ctx.db.select({ unread: users.unreadCount }).from(users)
    .where(eq(users.id, userId)).limit(1);
  return row?.unread ?? 0;
}
