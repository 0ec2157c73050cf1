import { eq, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { roomMembers } from "../../schema/rooms.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { absentSince } from "./rules.ts";
import { HOST } from "./view.ts";

/**
 * Closes a room for good and sends everybody out; whoever opened it may, and every host in it.
 *
 * Two statements on purpose: the first waits for those who are just entering, and only one that
 * begins after it sees them all. Nobody enters in between, and a closed room's members are shown to
 * nobody, so ending between the two leaves nothing but rows that are removed as absent.
 * @throws {DomainError} `room_missing`, to people who may not close it as well
 */
export async function closeRoom(
  ctx: Ctx,
  { roomId, userId }: { roomId: string; userId: number },
): Promise<void> {
  const now = ctx.now();
  const { rows } = await ctx.db.execute(sql`
    update rooms set closed_at = ${instant(now)}
    where id = ${roomId} and closed_at is null and (host_id = ${userId} or exists (
      select 1 from room_members
      where room_members.room_id = rooms.id and room_members.user_id = ${userId}
        and room_members.role = ${HOST} and room_members.seen_at > ${instant(absentSince(now))}))
    returning id`);
  if (!rows[0]) throw new DomainError("room_missing");
  await ctx.db.delete(roomMembers).where(eq(roomMembers.roomId, roomId));
}
