import { and, eq, isNull } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { roomMembers } from "../../schema/rooms.ts";

/** Takes a person out; who is not in stays out. */
export async function leaveRoom(
  ctx: Ctx,
  { roomId, userId }: { roomId: string; userId: number },
): Promise<void> {
  await ctx.db.update(roomMembers).set({ leftAt: ctx.now() }).where(and(
    eq(roomMembers.roomId, roomId),
    eq(roomMembers.userId, userId),
    isNull(roomMembers.leftAt),
  ));
}
