import { z } from "zod";
import { readClub } from "../../db/domain/clubs/reads.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { readPublicEvent } from "../../db/domain/events/reads.ts";
import { phaseOf } from "../../db/domain/events/rules.ts";
import { readSharedRoom } from "../../db/domain/rooms/reads.ts";
import { readProfile } from "../../db/domain/users/profile.ts";
import { NOBODY_ID } from "../../db/domain/users/profile_json.ts";
import { signPage } from "../../db/domain/wechat/js_sdk.ts";
import type { Alias } from "../endpoint.ts";
import { Flag, flag, HexId } from "../fields.ts";
import { UserProfile, userProfileResult } from "./fields.ts";
import { Room, roomResult } from "./room_fields.ts";
import { openEndpoint } from "./surface.ts";

/** Pages people open from a link in WeChat: seen by nobody in particular, and nothing changes. */
const PAGE: { wechat: true; repeatable: true; aliases: Alias[] } = {
  wechat: true,
  repeatable: true,
  aliases: [{ method: "get" }],
};
const URL_LENGTH_MAX = 2_048;

export const readWechatConfig = openEndpoint({
  ...PAGE,
  method: "post",
  path: "/h5/weixin/config",
  summary: "获取微信Config",
  description: "What a page passes to `wx.config`. What follows `#` in its address is not signed.",
  body: z.object({
    url: z.url({ protocol: /^https?$/ }).max(URL_LENGTH_MAX)
      .describe("当前路径URL"),
  }),
  data: z.object({
    signature: z.string(),
    appId: z.string(),
    jsapi_ticket: z.string(),
    nonceStr: z.string(),
    url: z.string().describe("As it was signed"),
    timestamp: z.string().describe("Seconds"),
  }),
  errors: ["wechat_failed"],
  async handle({ body, ctx, providers }) {
    if (!providers.wechat) throw new DomainError("wechat_failed");
    const { jsapiTicket, ...config } = await signPage(ctx, providers.wechat, body.url);
    return { ...config, jsapi_ticket: jsapiTicket };
  },
});

export const showRoom = openEndpoint({
  ...PAGE,
  method: "post",
  path: "/h5/room/{roomCacheId}",
  summary: "获取活动",
  description: "The room behind a link somebody shared, also when it is closed.",
  params: z.object({ roomCacheId: z.string() }),
  data: Room.extend({
    roomCacheId: HexId,
    closed: Flag.describe("1: the room is closed"),
    fromMember: UserProfile.describe("Who shared the link"),
  }),
  errors: ["room_missing"],
  async handle({ params: { roomCacheId }, ctx }) {
    const room = await readSharedRoom(ctx, { shareId: roomCacheId });
    return {
      ...roomResult(room),
      roomCacheId,
      closed: flag(room.closed),
      fromMember: userProfileResult(room.from),
    };
  },
});

export const showClub = openEndpoint({
  ...PAGE,
  method: "post",
  path: "/h5/club/{clubId}",
  summary: "获取圈子",
  params: z.object({ clubId: z.string() }),
  data: z.object({
    clubId: HexId,
    name: z.string(),
    cover: z.string(),
    uid: HexId.describe("The owner"),
    createTime: z.number().int(),
    memberTotal: z.number().int(),
    joined: Flag,
  }),
  errors: ["club_missing"],
  async handle({ params, ctx }) {
    const club = await readClub(ctx, { clubId: params.clubId, viewerId: NOBODY_ID });
    return {
      clubId: club.clubId,
      name: club.name,
      cover: club.cover,
      uid: club.ownerUid,
      createTime: club.createdAt.getTime(),
      memberTotal: club.memberCount,
      joined: flag(club.joined),
    };
  },
});

export const showProfile = openEndpoint({
  ...PAGE,
  method: "post",
  path: "/h5/profile/{uid}",
  summary: "获取用户资料",
  params: z.object({ uid: z.string() }),
  data: UserProfile,
  errors: ["user_missing"],
  handle: async ({ params: { uid }, ctx }) =>
    userProfileResult(await readProfile(ctx, { uid, viewerId: NOBODY_ID })),
});

export const showEvent = openEndpoint({
  ...PAGE,
  method: "post",
  path: "/h5/event/{eventId}",
  summary: "获取日程",
  params: z.object({ eventId: z.string() }),
  data: z.object({
    eventId: HexId,
    uid: HexId.describe("Who announced it"),
    name: z.string(),
    desc: z.string(),
    createTime: z.number().int(),
    eventTime: z.number().int().describe("When it begins, ms"),
    eventTimeStatus: z.literal([0, 1, 2])
      .describe("0: more than 30 minutes before its time; 1: within 30 minutes of it; 2: later"),
    memberUidList: z.array(HexId),
    memberList: z.array(UserProfile),
    notify: Flag,
    roomId: HexId.optional().describe("Once it was started"),
    roomResult: Room.optional().describe("While its room is open and somebody inside"),
  }),
  errors: ["event_missing"],
  async handle({ params, ctx }) {
    const event = await readPublicEvent(ctx, params.eventId);
    return {
      eventId: event.eventId,
      uid: event.creatorUid,
      name: event.name,
      desc: event.description,
      createTime: event.createdAtMs,
      eventTime: event.eventAtMs,
      eventTimeStatus: phaseOf(event.eventAtMs, ctx.now().getTime()),
      memberUidList: event.memberUids,
      memberList: event.members.map(userProfileResult),
      notify: flag(event.isReminded),
      ...event.roomId !== null && { roomId: event.roomId },
      ...event.room && { roomResult: roomResult(event.room) },
    };
  },
});
