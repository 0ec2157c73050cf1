import { type SQL, sql } from "drizzle-orm";
import { milliseconds } from "../../sql.ts";
import type { Profile } from "../users/profile.ts";
import { profileJson } from "../users/profile_json.ts";
import { isInside, isOccupied } from "./presence.ts";
import { ROOM_MEMBERS_SHOWN_COUNT } from "./rules.ts";

export interface RoomClub {
  clubId: string;
  name: string;
  cover: string;
  ownerUid: string;
  createdAtMs: number;
  memberTotal: number;
  joined: boolean;
}

export interface RoomView {
  roomId: string;
  name: string;
  createdAtMs: number;
  inviteOnly: boolean;
  hostUid: string;
  club: RoomClub | null;
  members: Profile[];
  memberTotal: number;
}

/**
 * Whether `viewerId`, who has its id, may see and enter `rooms`: an open room with somebody inside,
 * unless it is private and they were not invited; and whoever opened it theirs, empty as well. A
 * club's room shows in lists to its members alone, which is {@link listRooms}'s affair.
 */
export function mayEnter(viewerId: number, now: Date): SQL {
  return sql`rooms.closed_at is null and (rooms.host_id = ${viewerId} or (${isOccupied(now)}
    and (not rooms.invite_only or exists (select 1 from room_invites
      where room_invites.room_id = rooms.id and room_invites.user_id = ${viewerId}))))`;
}

/** A {@link RoomView} of `rooms` as one JSON value; a closed room has nobody in it. */
export function roomJson(viewerId: number, now: Date): SQL {
  const isShown = sql`place <= ${sql.raw(String(ROOM_MEMBERS_SHOWN_COUNT))}`;
  return sql`(jsonb_build_object(
    'roomId', rooms.id, 'name', rooms.name, 'inviteOnly', rooms.invite_only,
    'createdAtMs', ${milliseconds(sql`rooms.created_at`)},
    'hostUid', (select users.uid from users where users.id = rooms.host_id),
    'club', (
      select jsonb_build_object('clubId', clubs.id, 'name', clubs.name, 'cover', clubs.cover,
        'createdAtMs', ${milliseconds(sql`clubs.created_at`)}, 'memberTotal', clubs.member_count,
        'ownerUid', (select users.uid from users where users.id = clubs.owner_id),
        'joined', exists (select 1 from club_members
          where club_members.club_id = clubs.id and club_members.user_id = ${viewerId}))
      from clubs where clubs.id = rooms.club_id)
  ) || (
    select jsonb_build_object('memberTotal', count(*),
      'members', coalesce(jsonb_agg(person order by place) filter (where ${isShown}), '[]'))
    from (
      select place, case when ${isShown} then (
        select ${profileJson(viewerId)} from users where users.id = present.user_id) end as person
      from (
        select user_id, row_number() over (order by role desc, joined_at, user_id) as place
        from room_members where room_members.room_id = rooms.id
          and ${isInside(now)} and rooms.closed_at is null
      ) as present
    ) as placed
  ))`;
}
