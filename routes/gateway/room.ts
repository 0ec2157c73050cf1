import { z } from "zod";
import { closeRoom } from "../../db/domain/rooms/close_room.ts";
import { createRoom } from "../../db/domain/rooms/create_room.ts";
import { inviteToRoom } from "../../db/domain/rooms/invite_to_room.ts";
import { joinRoom } from "../../db/domain/rooms/join_room.ts";
import { leaveRoom } from "../../db/domain/rooms/leave_room.ts";
import { listRooms, readRoom } from "../../db/domain/rooms/reads.ts";
import { placeOf, ROOM_NAME_LENGTH_MAX, ROOM_TOKEN_LIFE_MS } from "../../db/domain/rooms/rules.ts";
import { shareRoom } from "../../db/domain/rooms/share_room.ts";
import { perUser } from "../../middleware/rate_limit.ts";
import { HexId, nameUpTo, Nothing } from "../fields.ts";
import { Page, pageOf, PageQuery, Sequenced, sequenced } from "./fields.ts";
import { Room, RoomCore, roomCore, roomResult } from "./room_fields.ts";
import { endpoint } from "./surface.ts";

const RoomParams = z.object({ roomId: z.string() });

const NewRoom = z.object({
  name: nameUpTo(ROOM_NAME_LENGTH_MAX).describe("主题"),
  clubId: z.string().nullish().describe("圈子ID; none or empty: a public room"),
  inviteOnly: z.coerce.number().int().min(0).default(0).describe("私密, 大于0时忽略clubId"),
});

export const open = endpoint({
  method: "post",
  path: "/room",
  summary: "创建活动",
  description:
    "With `inviteOnly` the room is private and `clubId` is ignored; otherwise the room is the " +
    "club's, and public without one.",
  body: NewRoom,
  data: RoomCore,
  errors: ["club_missing"],
  rate: perUser(30, "1 min"),
  async handle({ body, actor, ctx }) {
    const place = placeOf(body);
    const { roomId, createdAt } = await createRoom(ctx, {
      ...place,
      userId: actor.userId,
      tokenHash: actor.tokenHash,
      name: body.name,
    });
    return roomCore({
      ...place,
      roomId,
      name: body.name,
      hostUid: actor.uid,
      createdAtMs: createdAt.getTime(),
    });
  },
});

export const read = endpoint({
  method: "get",
  path: "/room/{roomId}",
  summary: "获取活动",
  description:
    "Whoever has its id may see it while somebody is inside, unless it is private; who opened it " +
    "always. People are in until they leave, enter or open another room, their last session ends, " +
    "or half an hour passes without any call or open socket of theirs.",
  params: RoomParams,
  data: Room,
  errors: ["room_missing"],
  handle: async ({ params, actor, ctx }) =>
    roomResult(await readRoom(ctx, { roomId: params.roomId, viewerId: actor.userId })),
});

export const list = endpoint({
  method: "get",
  path: "/room",
  summary: "分页获取活动列表",
  query: PageQuery,
  // Strict, so that a page that is not as it should be is never taken for nothing.
  data: z.union([
    Page(Sequenced.extend({ roomId: HexId, roomResult: Room })),
    z.strictObject({}),
  ]),
  beforeProfile: true,
  async handle({ query, actor, ctx }) {
    // The app shows its start page before the profile is filled in.
    if (!actor.hasProfile) return {};
    const rooms = await listRooms(ctx, {
      viewerId: actor.userId,
      cursor: query.lastId,
      count: query.count,
    });
    return pageOf(
      query.count,
      rooms.map((room) => ({
        ...sequenced({ at: new Date(room.createdAtMs), id: room.roomId }),
        roomId: room.roomId,
        roomResult: roomResult(room),
      })),
    );
  },
});

export const takeToken = endpoint({
  method: "post",
  path: "/room/{roomId}/token",
  aliases: [{ method: "get" }],
  summary: "获取活动声网Token",
  description: "Enters the room, or stays in it. The token is for the channel named `roomId`, " +
    "uid 0, and good for 24 hours.",
  params: RoomParams,
  data: z.object({ roomId: HexId, token: z.string() }),
  errors: ["room_missing", "room_refused"],
  repeatable: true,
  async handle({ params: { roomId }, actor, ctx, providers }) {
    const { token } = await joinRoom(ctx, {
      roomId,
      userId: actor.userId,
      tokenHash: actor.tokenHash,
      buildToken: (channel) => providers.rtc.buildToken(channel, ROOM_TOKEN_LIFE_MS),
    });
    return { roomId, token };
  },
});

export const close = endpoint({
  method: "post",
  path: "/room/{roomId}/close",
  summary: "主持人关闭活动",
  params: RoomParams,
  data: Nothing,
  errors: ["room_missing"],
  repeatable: true,
  async handle({ params, actor, ctx }) {
    await closeRoom(ctx, { roomId: params.roomId, userId: actor.userId });
    return {};
  },
});

export const share = endpoint({
  method: "post",
  path: "/room/{roomId}/cache",
  aliases: [{ method: "get" }],
  summary: "获取活动Cache",
  description: "`roomCacheId` of the room as the caller shares it: the id in a link to H5.",
  params: RoomParams,
  data: HexId,
  errors: ["room_missing"],
  repeatable: true,
  handle: ({ params, actor, ctx }) =>
    shareRoom(ctx, { roomId: params.roomId, userId: actor.userId }),
});

export const invite = endpoint({
  method: "post",
  path: "/room/{roomId}/invite/{uid}",
  summary: "邀请用户加入活动",
  description:
    "A private room is open to them from now on. They are told, once in ten minutes, if " +
    "they have given the caller a card, may enter and are not inside; the answer does not say.",
  params: RoomParams.extend({ uid: z.string() }),
  data: Nothing,
  errors: ["room_missing", "user_missing"],
  message: "邀请成功",
  rate: perUser(60, "1 min"),
  repeatable: true,
  async handle({ params, actor, ctx }) {
    await inviteToRoom(ctx, { ...params, inviterId: actor.userId });
    return {};
  },
});

export const leave = endpoint({
  method: "post",
  path: "/room/{roomId}/leave",
  summary: "离开活动",
  params: RoomParams,
  data: Nothing,
  repeatable: true,
  async handle({ params, actor, ctx }) {
    await leaveRoom(ctx, { roomId: params.roomId, userId: actor.userId });
    return {};
  },
});
