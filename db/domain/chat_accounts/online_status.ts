import { sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import { randomHex32 } from "../../../config/keys.ts";
import { chunksOf } from "../../../config/runtime/chunks.ts";
import type { Ctx } from "../../client/ctx.ts";
import type { Presence } from "../../redis/presence.ts";
import { ChannelType } from "../../schema/messages.ts";
import { int8, listOf, long, rows, text } from "../../sql.ts";
import { momentIdAt } from "../messages/send_moment.ts";
import { command } from "../friends/notices.ts";
import { FRIENDS_COUNT_MAX } from "../friends/rules.ts";

/** People one event of the bus names. */
const EVENT_PEOPLE_MAX = 500;

export interface StatusChange {
  userId: number;
  /** Of the socket that came or went. */
  deviceFlag: number;
  presence: Presence;
}

/**
 * Tells the friends who are connected that somebody is there now, or gone: a command that is not
 * kept, in the chat with that person. Friends who have blocked them, or whom they have blocked,
 * are not told.
 */
export async function tellOnlineStatus(ctx: Ctx, changes: StatusChange[]): Promise<void> {
  if (changes.length === 0) return;
  const statement = sql`
    select users.id as user_id, users.uid, users.app_uid, told.friend_ids
    from users cross join lateral (
      select string_agg(friend_id::text, ',') as friend_ids from (
        select friend_id from friends
        where friends.user_id = users.id and not friends.is_deleted and not exists (
          select 1 from blocks
          where (blocks.user_id, blocks.blocked_id) in
            ((users.id, friends.friend_id), (friends.friend_id, users.id)))
        limit ${FRIENDS_COUNT_MAX}
      ) as friends_of
    ) as told
    where users.id = any(${listOf(changes.map(({ userId }) => userId), "bigint")})
      and told.friend_ids is not null`;
  const columns = { userId: int8, uid: text, appUid: long, friendIds: text };
  for (const person of await rows(ctx, statement, columns)) {
    const change = changes.find(({ userId }) => userId === person.userId)!;
    tell(ctx, change, { ...person, friendIds: person.friendIds.split(",").map(Number) });
  }
}

function tell(
  ctx: Ctx,
  { presence: { online, deviceFlag: mainDeviceFlag, lastOfflineAt }, deviceFlag }: StatusChange,
  { uid, appUid, friendIds }: { uid: string; appUid: LongInteger; friendIds: number[] },
): void {
  const at = ctx.now();
  const payload = command("onlineStatus", {
    uid,
    online: Number(online),
    device_flag: deviceFlag,
    main_device_flag: mainDeviceFlag,
    all_offline: Number(!online),
    last_offline: online ? 0 : Math.floor((lastOfflineAt ?? at).getTime() / 1000),
  });
  for (const userIds of chunksOf(friendIds, EVENT_PEOPLE_MAX)) {
    ctx.bus.publish({
      kind: "moment",
      userIds,
      messageId: momentIdAt(at),
      fromUid: uid,
      fromId: appUid,
      channelType: ChannelType.person,
      channelNo: uid,
      channelId: appUid,
      clientMsgNo: randomHex32(),
      payload: JSON.stringify(payload),
      redDot: false,
      syncOnce: true,
      atMs: at.getTime(),
    });
  }
}
