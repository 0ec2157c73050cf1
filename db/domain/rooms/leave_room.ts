import { and, eq } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { roomMembers } from "../../schema/rooms.ts";

export async function leaveRoom(
  ctx: Ctx,
  { roomId, userId }: { roomId: string; userId: number },
): Promise<void> {
  await ctx.db.delete(roomMembers)
    .where(and(eq(roomMembers.roomId, roomId), eq(roomMembers.userId, userId)));
}
