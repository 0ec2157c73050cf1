import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, rows, text } from "../../sql.ts";
import { isInside } from "./presence.ts";
import { ROOM_ASK_MS } from "./rules.ts";

type SettlingCtx = Pick<Ctx, "db" | "now">;

/**
 * Open rooms with people inside who have been silent for two minutes, the longest unasked first.
 * Each is given to one caller in two minutes, who is to ask how many are in its audio channel.
 */
export async function claimSilentRooms(ctx: SettlingCtx, limit: number): Promise<string[]> {
  const now = ctx.now();
  const before = instant(new Date(now.getTime() - ROOM_ASK_MS));
  const statement = sql`
    with silent as (
      select rooms.id from rooms
      where closed_at is null and (asked_at is null or asked_at <= ${before})
        and exists (select from room_members where room_members.room_id = rooms.id
          and ${isInside(now)} and room_members.seen_at <= ${before})
      order by asked_at nulls first, id limit ${limit} for update skip locked
    )
    update rooms set asked_at = ${instant(now)} from silent where rooms.id = silent.id
    returning rooms.id`;
  return (await rows(ctx, statement, { id: text })).map(({ id }) => id);
}

/** How many are in a room's audio channel; null: it is not there. */
export interface ChannelCount {
  roomId: string;
  userCount: number | null;
}

/**
 * Tokens are for nobody in particular, so how many is all that is known. Who is in a room whose
 * channel is not there is out, unless they took a token within two minutes and may be on the way.
 * A channel with as many as the room has, or more, is a sign of life of all of them.
 */
export async function heedChannels(ctx: SettlingCtx, counts: ChannelCount[]): Promise<void> {
  if (counts.length === 0) return;
  const now = ctx.now();
  const at = instant(now);
  const entered = instant(new Date(now.getTime() - ROOM_ASK_MS));
  const given = JSON.stringify(counts.map(({ roomId, userCount }) => ({
    room_id: roomId,
    user_count: userCount,
  })));
  await ctx.db.execute(sql`
    with asked as (
      select * from jsonb_to_recordset(${given}::jsonb) as given (room_id text, user_count int)
    ), present as materialized (
      select room_members.room_id, room_members.user_id, entered_at, user_count,
        count(*) over (partition by room_members.room_id) as inside_count
      from asked join room_members on room_members.room_id = asked.room_id
      where ${isInside(now)}
    ), heeded as (
      select room_members.room_id, room_members.user_id, user_count is null as is_out
      from present join room_members on room_members.room_id = present.room_id
        and room_members.user_id = present.user_id
      where case when user_count is null then present.entered_at <= ${entered}
        else user_count >= inside_count end
      order by room_members.user_id for update of room_members skip locked
    )
    update room_members set
      left_at = case when is_out then ${at} end,
      seen_at = case when is_out then seen_at else greatest(seen_at, ${at}) end
    from heeded where room_members.room_id = heeded.room_id
      and room_members.user_id = heeded.user_id and left_at is null`);
}
