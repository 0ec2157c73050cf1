import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { int8, maybe, type Row, rows, text } from "../../sql.ts";
import { appPath } from "../app_links.ts";
import type { Claim } from "./claims.ts";
import { enqueueFrom } from "./enqueue.ts";
import { NOBODY_TOLD, tellInChunks } from "./tell_in_chunks.ts";

export const FAN_OUT_CHUNK_COUNT = 500;

const columns = { hostId: int8, hostName: text, roomName: text, clubId: text, clubName: text };

/**
 * Enters one push for each member of the room's club but its host, a bounded number at a time
 * ({@link tellInChunks}); each has a key of its own. A room that is public, invite-only or closed by
 * now has nobody to tell.
 * @returns how many pushes were entered
 */
export async function fanOutRoom(
  ctx: Ctx,
  claim: Claim<"room_opened">,
  { chunkCount = FAN_OUT_CHUNK_COUNT }: { chunkCount?: number } = {},
): Promise<number> {
  const { roomId } = claim.payload;
  return await tellInChunks(ctx, claim, {
    chunkCount,
    async tell(ctx, after) {
      const room = await readClubRoom(ctx, roomId);
      return room ? await enterPushes(ctx, roomId, room, { after, chunkCount }) : NOBODY_TOLD;
    },
  });
}

async function readClubRoom(ctx: Ctx, roomId: string): Promise<Row<typeof columns> | undefined> {
  const statement = sql`
    select rooms.host_id, users.nickname as host_name, rooms.name as room_name, clubs.id as club_id,
      clubs.name as club_name
    from rooms join clubs on clubs.id = rooms.club_id join users on users.id = rooms.host_id
    where rooms.id = ${roomId} and not rooms.invite_only and rooms.closed_at is null`;
  return (await rows(ctx, statement, columns))[0];
}

async function enterPushes(
  ctx: Ctx,
  roomId: string,
  { hostId, hostName, roomName, clubId, clubName }: Row<typeof columns>,
  { after, chunkCount }: { after: number; chunkCount: number },
) {
  const message = {
    title: clubName,
    content: `${hostName} 开启了活动${roomName === "" ? "" : `「${roomName}」`}`,
    url: appPath("room", roomId),
  };
  const statement = sql`
    with told as (
      select user_id from club_members
      where club_id = ${clubId} and user_id > ${after} and user_id <> ${hostId}
      order by user_id limit ${chunkCount}
    ), entered as (${
    enqueueFrom(
      ctx,
      "push",
      sql`select ${JSON.stringify(message)}::jsonb || jsonb_build_object('userId', user_id)
        as payload, 'room_opened:' || ${roomId}::text || ':' || user_id as dedupe_key from told`,
    )
  })
    select (select max(user_id) from told) as last, (select count(*) from told) as told,
      (select count(*) from entered) as entered`;
  const [pushes] = await rows(ctx, statement, { last: maybe(int8), told: int8, entered: int8 });
  return pushes!;
}
