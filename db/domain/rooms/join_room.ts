import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { isRedisAway } from "../../redis/client.ts";
import { bool, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { entering, enterOnce, hostsOf, isKeptOut } from "./presence.ts";
import { ROOM_TOKEN_CACHE_MS } from "./rules.ts";
import { mayEnter } from "./view.ts";

export interface JoinRoomInput {
  roomId: string;
  userId: number;
  /** Of the session that enters. */
  tokenHash?: string | undefined;
  buildToken(channel: string): Promise<string>;
}

/**
 * Lets a person into a room, which ends their being in any other, and answers the token of the audio
 * channel: one for all of the room, handed out again for 23 of its 24 hours.
 * @throws {DomainError} `room_missing`; `room_refused` when a host keeps the person out
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
async function enter(ctx: Ctx, { roomId, userId, tokenHash }: JoinRoomInput) {
  const statement = sql`
    with room as (
      select rooms.id, rooms.host_id from rooms
      where rooms.id = ${roomId} and ${mayEnter(userId, ctx.now())} for share of rooms
    ), refusal as (
      select from room where ${isKeptOut(sql`room`, userId)}
    ), ${
    entering(ctx, {
      userId,
      tokenHash,
      into: sql`select room.id as room_id,
          ${userId} in (select user_id from (${hostsOf(sql`room`)}) as hosts) as is_host
        from room where not exists (select 1 from refusal)`,
    })
  }
    select exists (select 1 from room) as found, exists (select 1 from refusal) as refused`;
  const [answer] = await enterOnce(() => rows(ctx, statement, { found: bool, refused: bool }));
  return answer!;
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
