import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { hostsOf } from "./presence.ts";

/**
 * Closes a room for good and sends everybody out. Its hosts may, wherever they are.
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
    where id = ${roomId} and closed_at is null
      and ${userId} in (select user_id from (${hostsOf(sql`rooms`)}) as hosts)
    returning id`);
  if (!rows[0]) throw new DomainError("room_missing");
  // In the order in which sessions that end take people out.
  await ctx.db.execute(sql`
    with gone as (
      select room_id, user_id from room_members where room_id = ${roomId}
      order by user_id for update
    )
    delete from room_members using gone
    where room_members.room_id = gone.room_id and room_members.user_id = gone.user_id`);
}
