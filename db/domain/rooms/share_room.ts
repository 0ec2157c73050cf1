import { sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { mayEnter } from "./view.ts";

/** @throws {DomainError} `room_missing` */
export async function shareRoom(
  ctx: Ctx,
  { roomId, userId }: { roomId: string; userId: number },
): Promise<string> {
  const { rows } = await ctx.db.execute<{ id: string }>(sql`
    with room as (
      select rooms.id from rooms where rooms.id = ${roomId} and ${mayEnter(userId, ctx.now())}
    ), known as (
      select room_shares.id from room_shares join room on room.id = room_shares.room_id
      where room_shares.user_id = ${userId}
    ), made as (
      insert into room_shares (id, room_id, user_id, created_at)
      select ${randomHex32()}, room.id, ${userId}, ${instant(ctx.now())} from room
      where not exists (select 1 from known)
      -- Writing the same again answers the row of a call that was faster by a moment.
      on conflict (room_id, user_id) do update set user_id = excluded.user_id
      returning id
    )
    select id from known union all select id from made`);
  if (!rows[0]) throw new DomainError("room_missing");
  return rows[0].id;
}
