import { sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { instant, rows, text } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { enqueueFrom } from "../outgoing/enqueue.ts";
import { entering, enterOnce } from "./presence.ts";

export interface CreateRoomInput {
  userId: number;
  /** Of the session that opens it. */
  tokenHash?: string | undefined;
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
 * Opens a room with its creator in it, who is out of any other. A club's room leaves one piece of pending work (`room_opened`) for telling the club.
 * @throws {DomainError} `club_missing` unless the creator is a member of the club
 */
export async function createRoom(
  ctx: Ctx,
  { userId, tokenHash, name, clubId, inviteOnly }: CreateRoomInput,
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
  const into = sql`select id as room_id, true as is_host from room`;
  const statement = sql`
    with room as (
      insert into rooms (id, host_id, name, club_id, invite_only, created_at)
      select ${randomHex32()}, ${userId}, ${name}, ${clubId ?? null}, ${inviteOnly}, ${now}
      where ${mayOpen}
      returning id, club_id
    ), ${entering(ctx, { userId, tokenHash, into })}, work as (${
    enqueueFrom(ctx, "room_opened", toldToTheClub)
  })
    select id from room`;
  const [room] = await enterOnce(() => rows(ctx, statement, { id: text }));
  if (!room) throw new DomainError("club_missing");
  return { roomId: room.id, createdAt };
}
