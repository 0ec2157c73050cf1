import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import { behind, type PageInput, sameId } from "../paging/keyset.ts";
import type { Profile } from "../users/profile.ts";
import { NOBODY_ID, profileJson } from "../users/profile_json.ts";
import { isOccupied } from "./presence.ts";
import { ROOM_FEED_CLUB_COUNT_MAX, ROOM_FEED_INVITE_COUNT_MAX } from "./rules.ts";
import { mayEnter, roomJson, type RoomView } from "./view.ts";

/**
 * One room as a viewer sees it.
 * @throws {DomainError} `room_missing` for unknown, closed and hidden rooms
 */
export async function readRoom(
  ctx: Ctx,
  { roomId, viewerId }: { roomId: string; viewerId: number },
): Promise<RoomView> {
  const now = ctx.now();
  const { rows } = await ctx.db.execute<{ room: RoomView }>(sql`
    select ${roomJson(viewerId, now)} as room
    from rooms where rooms.id = ${roomId} and ${mayEnter(viewerId, now)}`);
  if (!rows[0]) throw new DomainError("room_missing");
  return rows[0].room;
}

/**
 * Open rooms for a viewer to enter, newest first: public ones, those of the viewer's clubs and
 * private ones the viewer was invited to, where somebody is inside; and the viewer's own.
 */
export async function listRooms(
  ctx: Ctx,
  { viewerId, cursor, count }: { viewerId: number } & PageInput,
): Promise<RoomView[]> {
  const { rows } = await ctx.db.execute<{ room: RoomView }>(
    listRoomsQuery(ctx.now(), { viewerId, cursor, count }),
  );
  return rows.map(({ room }) => room);
}

/**
 * The statement of {@link listRooms}; every branch stops after a page, so tables may grow. The
 * limits of one keep the planner from reading all rooms while there are few.
 */
function listRoomsQuery(
  now: Date,
  { viewerId, cursor, count }: { viewerId: number } & PageInput,
): SQL {
  const from = behind(cursor, {
    time: sql`rooms.created_at`,
    id: sql`rooms.id`,
    idOf: sameId,
  }) ?? sql`true`;
  const newest = sql`order by rooms.created_at desc, rooms.id desc limit ${count}`;
  const columns = sql`rooms.id, rooms.created_at`;
  return sql`
    with found as (
      (select ${columns} from rooms
        where closed_at is null and club_id is null and not invite_only
          and ${isOccupied(now)} and ${from} ${newest})
      union
      select in_club.* from (
        select club_id from club_members where user_id = ${viewerId}
        order by joined_at desc, club_id desc limit ${ROOM_FEED_CLUB_COUNT_MAX}
      ) as joined cross join lateral (
        select ${columns} from rooms
        where rooms.club_id = joined.club_id and closed_at is null
          and ${isOccupied(now)} and ${from} ${newest}
      ) as in_club
      union
      (select ${columns} from rooms
        where host_id = ${viewerId} and closed_at is null and ${from} ${newest})
      union
      select to_room.* from (
        select room_id from room_invites where user_id = ${viewerId}
        order by created_at desc limit ${ROOM_FEED_INVITE_COUNT_MAX}
      ) as invited cross join lateral (
        select ${columns} from rooms
        where rooms.id = invited.room_id and closed_at is null and invite_only
          and ${isOccupied(now)} and ${from} limit 1
      ) as to_room
    )
    select room from (
      select * from found order by created_at desc, id desc limit ${count}
    ) as page cross join lateral (
      select ${roomJson(viewerId, now)} as room from rooms where rooms.id = page.id limit 1
    ) as shown
    order by page.created_at desc, page.id desc`;
}

export interface SharedRoom extends RoomView {
  closed: boolean;
  from: Profile;
}

/**
 * The room behind a shared link, open or closed; nobody is in a closed one.
 * @param viewerId absent: seen by nobody in particular
 * @throws {DomainError} `room_missing`
 */
export async function readSharedRoom(
  ctx: Ctx,
  { shareId, viewerId = NOBODY_ID }: { shareId: string; viewerId?: number | undefined },
): Promise<SharedRoom> {
  const { rows } = await ctx.db.execute<{ room: RoomView; closed: boolean; sharer: Profile }>(sql`
    select ${roomJson(viewerId, ctx.now())} as room, rooms.closed_at is not null as closed,
      (select ${profileJson(viewerId)} from users where users.id = room_shares.user_id) as sharer
    from room_shares join rooms on rooms.id = room_shares.room_id
    where room_shares.id = ${shareId}`);
  if (!rows[0]) throw new DomainError("room_missing");
  const { room, closed, sharer } = rows[0];
  return { ...room, closed, from: sharer };
}
