import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { isRedisAway } from "../../redis/client.ts";
import { RoomRole } from "../../schema/rooms.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { absentSince, ROOM_TOKEN_CACHE_MS } from "./rules.ts";
import { HOST, isOpenTo } from "./view.ts";

export interface JoinRoomInput {
  roomId: string;
  userId: number;
  buildToken(channel: string): Promise<string>;
}

/**
 * Lets a person into a room, or renews their sign of life, and answers the token of the audio
 * channel: one for all of the room, handed out again for 23 of its 24 hours.
 * @throws {DomainError} `room_missing`; `room_refused` when a host who is there blocked the person
 */
export async function joinRoom(ctx: Ctx, input: JoinRoomInput): Promise<{ token: string }> {
  const { found, refused } = await enter(ctx, input);
  if (!found) throw new DomainError("room_missing");
  if (refused) throw new DomainError("room_refused");
  return { token: await tokenOf(ctx, input) };
}

/**
 * The room's row is locked first, against being closed: a room that closes meanwhile is either not
 * entered any more, or closes after this and takes its new member along.
 */
async function enter(ctx: Ctx, { roomId, userId }: JoinRoomInput) {
  const at = ctx.now();
  const now = instant(at);
  const presentAfter = instant(absentSince(at));
  const { rows } = await ctx.db.execute<{ found: boolean; refused: boolean }>(sql`
    with room as (
      select rooms.id, rooms.host_id from rooms
      where rooms.id = ${roomId} and ${isOpenTo(userId)} for share of rooms
    ), refusal as (
      select 1 from room
      join room_members on room_members.room_id = room.id
      join blocks on blocks.user_id = room_members.user_id and blocks.blocked_id = ${userId}
      where room_members.role = ${HOST} and room_members.seen_at > ${presentAfter}
    ), entered as (
      insert into room_members (room_id, user_id, role, joined_at, seen_at)
      -- A room started from an event has the event's id, and the event's people are its hosts.
      select room.id, ${userId}, case when room.host_id = ${userId} or exists (
          select 1 from event_members
          where event_members.event_id = room.id and event_members.user_id = ${userId}
        ) then ${HOST} else ${sql.raw(String(RoomRole.listener))} end, ${now}, ${now}
      from room where not exists (select 1 from refusal)
      on conflict (room_id, user_id) do update set
        role = excluded.role,
        seen_at = greatest(room_members.seen_at, excluded.seen_at),
        joined_at = case when room_members.seen_at > ${presentAfter}
          then room_members.joined_at else excluded.joined_at end
    )
    select exists (select 1 from room) as found, exists (select 1 from refusal) as refused`);
  return rows[0]!;
}

/** Without Redis everybody gets a token of their own, which is as good. */
async function tokenOf(ctx: Ctx, { roomId, buildToken }: JoinRoomInput): Promise<string> {
  const fresh = await buildToken(roomId);
  const key = `room_token:${roomId}`;
  try {
    const [, kept] = await ctx.redis.multi()
      .set(key, fresh, { nx: true, px: ROOM_TOKEN_CACHE_MS })
      .get<string>(key)
      .exec();
    return kept ?? fresh;
  } catch (error) {
    if (!isRedisAway(error)) throw error;
    return fresh;
  }
}
