import { z } from "zod";
import { acceptApply } from "../../db/domain/friends/accept_apply.ts";
import { applyForFriendship } from "../../db/domain/friends/apply.ts";
import { deleteFriend } from "../../db/domain/friends/delete_friend.ts";
import { listOnlineFriends } from "../../db/domain/friends/online.ts";
import { type Friend, listChangedFriends } from "../../db/domain/friends/reads.ts";
import {
  APPLY_REMARK_LENGTH_MAX,
  parseSyncKey,
  SYNC_COUNT_MAX,
  syncTimeText,
} from "../../db/domain/friends/rules.ts";
import { perUser } from "../../middleware/rate_limit.ts";
import { Flag, flag, HexId, maybeNameUpTo } from "../fields.ts";
import { Done, done, timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

export const apply = endpoint({
  method: "post",
  path: "/friend/apply",
  summary: "申请加好友",
  description: "The receiver gets a command `friendRequest` with the token that accepts it, good " +
    "for 15 days. Asking again replaces the token.",
  body: z.object({
    to_uid: z.string().min(1).max(64).describe("向谁申请好友"),
    remark: maybeNameUpTo(APPLY_REMARK_LENGTH_MAX).default("").describe("加好友的备注"),
    vercode: z.unknown().optional().describe("Of the person, as clients send it; not looked at"),
  }),
  data: Done,
  errors: ["user_missing", "self_refused", "friend_already"],
  rate: perUser(30, "1 min"),
  async handle({ body, actor, ctx }) {
    await applyForFriendship(ctx, {
      applicant: { userId: actor.userId, uid: actor.uid },
      uid: body.to_uid,
      remark: body.remark,
    });
    return done;
  },
});

export const confirm = endpoint({
  method: "post",
  path: "/friend/sure",
  summary: "确认好友申请",
  description: "Only the receiver's own token works, once. Both get a command `friendAccept` and " +
    "sync their friends.",
  body: z.object({ token: z.string().min(1).max(100).describe("申请加好友的凭证") }),
  data: Done,
  errors: ["friend_apply_invalid"],
  rate: perUser(30, "1 min"),
  async handle({ body, actor, ctx }) {
    await acceptApply(ctx, { userId: actor.userId, token: body.token });
    return done;
  },
});

/** `FriendResp`, and what the clients need to follow changes. */
const FriendResp = z.object({
  id: z.number().int().describe("唯一id,增量同步会用到"),
  to_uid: HexId.describe("好友uid"),
  to_name: z.string().describe("好友名称"),
  created_at: z.string().describe("创建时间"),
  updated_at: z.string().describe(
    "更新时间, with milliseconds: `<updated_at>@<id>` is the next key",
  ),
  is_deleted: Flag.describe("1: no friend any more"),
  version: z.number().int().describe("`updated_at` as milliseconds since 1970"),
  remark: z.string().describe("What you call this person"),
  mute: Flag,
  top: Flag,
});

function friendResp(friend: Friend): z.input<typeof FriendResp> {
  return {
    id: friend.id,
    to_uid: friend.uid,
    to_name: friend.name,
    created_at: timeText(friend.createdAt),
    updated_at: syncTimeText(friend.updatedAt),
    is_deleted: flag(friend.isDeleted),
    version: friend.updatedAt.getTime(),
    remark: friend.remark,
    mute: flag(friend.mute),
    top: flag(friend.top),
  };
}

const SyncKeyText = z.string().max(100).optional().describe("同步key,格式： 最新更新时间@id");
const SyncLimit = z.coerce.number().int().positive().optional().catch(undefined)
  .describe("最大限制");
/** The contract puts them into the query; some clients send them as JSON. */
const SyncParameters = z.object({ sync_key: SyncKeyText, limit: SyncLimit });

export const sync = endpoint({
  method: "post",
  path: "/friend/sync",
  summary: "同步好友信息",
  description: "Friends changed since the key, oldest change first, those deleted among them. " +
    "Without a key from the start.",
  query: SyncParameters,
  body: SyncParameters,
  data: z.array(FriendResp),
  async handle({ query, body, actor, ctx }) {
    const changed = await listChangedFriends(ctx, {
      userId: actor.userId,
      after: parseSyncKey(query.sync_key ?? body.sync_key),
      limit: Math.min(query.limit ?? body.limit ?? SYNC_COUNT_MAX, SYNC_COUNT_MAX),
    });
    return changed.map(friendResp);
  },
});

export const listOnline = endpoint({
  method: "post",
  path: "/friend/online",
  summary: "同步最近在线聊天的好友",
  description: "Friends you chat with who are online, or were within the last hour.",
  data: z.array(z.object({
    uid: HexId,
    online: Flag,
    last_offline: z.number().int().describe("Seconds since 1970; 0: never"),
    device_flag: z.number().int().describe("0 app, 1 web, 2 PC"),
  })),
  async handle({ actor, ctx }) {
    const friends = await listOnlineFriends(ctx, { userId: actor.userId });
    return friends.map(({ uid, online, lastOfflineAt, deviceFlag }) => ({
      uid,
      online: flag(online),
      last_offline: Math.floor((lastOfflineAt?.getTime() ?? 0) / 1000),
      device_flag: deviceFlag,
    }));
  },
});

export const remove = endpoint({
  method: "delete",
  path: "/friend/{uid}",
  aliases: [{ path: "/friends/{uid}" }],
  summary: "删除好友",
  description: "Ends it on both sides. Both get a command `friendDeleted` and sync their friends.",
  params: z.object({ uid: z.string() }),
  data: Done,
  errors: ["friend_missing"],
  async handle({ params, actor, ctx }) {
    await deleteFriend(ctx, { userId: actor.userId, uid: params.uid });
    return done;
  },
});
