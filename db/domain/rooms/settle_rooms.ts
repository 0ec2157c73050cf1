import { sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { UserStatus } from "../../schema/users.ts";
import { instant, int8, listOf, rows, text } from "../../sql.ts";
import { isOccupied } from "./presence.ts";
import { ROOM_EMPTY_MS, ROOM_SILENCE_MS } from "./rules.ts";

/**
 * Closes rooms that have been empty for twelve hours, empty ones whose creator is deleted, and
 * those of a club that is no more.
 * @returns how many rooms closed; `limit` means there may be more
 */
export async function closeForsakenRooms(ctx: Ctx, limit: number): Promise<number> {
  return await withTx(ctx, async (tx) => {
    const now = tx.now();
    const emptySince = new Date(now.getTime() - ROOM_EMPTY_MS);
    const lastSeen = instant(new Date(emptySince.getTime() - ROOM_SILENCE_MS));
    const isForsaken = sql`(
      exists (select from clubs where clubs.id = rooms.club_id and clubs.deleted_at is not null)
      or not ${isOccupied(now)} and (
        exists (select from users where users.id = rooms.host_id
          and users.status = ${UserStatus.deleted})
        or rooms.created_at <= ${instant(emptySince)} and not exists (
          select from room_members where room_members.room_id = rooms.id
            and room_members.seen_at > ${lastSeen}
            and (room_members.left_at is null or room_members.left_at > ${instant(emptySince)}))))`;
    // Locked first, against whoever is entering: only a statement that begins after it sees them.
    const found = await rows(
      tx,
      sql`select rooms.id from rooms where closed_at is null and ${isForsaken}
        order by created_at, id limit ${limit} for update of rooms skip locked`,
      { id: text },
    );
    if (found.length === 0) return 0;
    const closed = sql`update rooms set closed_at = ${instant(now)}
      where id = any(${listOf(found.map(({ id }) => id), "text")}) and ${isForsaken}
      returning id`;
    return (await rows(tx, closed, { id: text })).length;
  });
}

/**
 * Deletes who was in a room so long ago that it no longer matters to anything.
 * @returns how many rows went; `limit` means there may be more
 */
export async function removePastRoomMembers(
  ctx: Pick<Ctx, "db" | "now">,
  limit: number,
): Promise<number> {
  const past = instant(new Date(ctx.now().getTime() - ROOM_EMPTY_MS - ROOM_SILENCE_MS));
  const statement = sql`
    with past as materialized (
      select room_id, user_id from room_members
      where seen_at <= ${past} and (left_at is null or left_at <= ${past})
      order by seen_at limit ${limit}
      -- Whoever holds a row is just coming back, or removing it: either way it is not ours.
      for update skip locked
    ), removed as (
      delete from room_members using past
      where room_members.room_id = past.room_id and room_members.user_id = past.user_id
      returning 1
    )
    select count(*) from removed`;
  const [removed] = await rows(ctx, statement, { count: int8 });
  return removed!.count;
}
