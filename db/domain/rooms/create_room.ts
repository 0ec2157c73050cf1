import { sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { enqueueFrom } from "../outgoing/enqueue.ts";
import { HOST } from "./view.ts";

export interface CreateRoomInput {
  userId: number;
  name: string;
  /** Absent: a public room, or a private one. */
  clubId: string | undefined;
  /** Never together with a club. */
  inviteOnly: boolean;
}

export interface CreatedRoom {
  roomId: string;
  createdAt: Date;
}

/**
 * A club's room leaves one piece of pending work (`room_opened`) for telling the club.
 * @throws {DomainError} `club_missing` unless the creator is a member of the club
 */
export async function createRoom(
  ctx: Ctx,
  { userId, name, clubId, inviteOnly }: CreateRoomInput,
): Promise<CreatedRoom> {
  const createdAt = ctx.now();
  const now = instant(createdAt);
  const mayOpen = clubId === undefined ? sql`true` : sql`exists (
    select 1 from club_members join clubs on clubs.id = club_members.club_id
    where club_members.club_id = ${clubId} and club_members.user_id = ${userId}
      and clubs.deleted_at is null)`;
  const toldToTheClub = sql`
    select jsonb_build_object('roomId', id) as payload, 'room_opened:' || id as dedupe_key
    from room where club_id is not null`;
  const { rows } = await ctx.db.execute<{ id: string }>(sql`
    with room as (
      insert into rooms (id, host_id, name, club_id, invite_only, created_at)
      select ${randomHex32()}, ${userId}, ${name}, ${clubId ?? null}, ${inviteOnly}, ${now}
      where ${mayOpen}
      returning id, club_id
    ), host as (
      insert into room_members (room_id, user_id, role, joined_at, seen_at)
      select id, ${userId}, ${HOST}, ${now}, ${now} from room
    ), work as (${enqueueFrom(ctx, "room_opened", toldToTheClub)})
    select id from room`);
  if (!rows[0]) throw new DomainError("club_missing");
  return { roomId: rows[0].id, createdAt };
}
