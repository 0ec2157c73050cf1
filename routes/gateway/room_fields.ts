import { z } from "zod";
import type { RoomClub, RoomView } from "../../db/domain/rooms/view.ts";
import { Flag, flag, HexId } from "../fields.ts";
import { UserProfile, userProfileResult } from "./fields.ts";

/** What a room is, without the people in it. */
export const RoomCore = z.object({
  roomId: HexId,
  uid: HexId.describe("Who opened it"),
  name: z.string(),
  createTime: z.number().int(),
  clubId: HexId.or(z.literal("")).describe("Empty: a public or private room"),
  inviteOnly: Flag.describe("1: a private room"),
});

/** `clubResult` of a room's club. */
const RoomClubResult = z.object({
  clubId: HexId,
  name: z.string(),
  cover: z.string(),
  uid: HexId.describe("The owner"),
  createTime: z.number().int(),
  memberTotal: z.number().int(),
  joined: Flag.describe("1: you are a member"),
  inviteOnly: z.literal(0).describe("Clubs are never private; rooms are"),
});

/** `roomResult`: a room as the caller sees it. */
export const Room = RoomCore.extend({
  clubResult: RoomClubResult.optional(),
  memberList: z.array(UserProfile).describe("At most six of those in the room, hosts first"),
  memberTotal: z.number().int().describe("All those in the room"),
});

export function roomCore(
  room: Pick<RoomView, "roomId" | "hostUid" | "name" | "createdAtMs" | "inviteOnly"> & {
    clubId: string | undefined;
  },
): z.input<typeof RoomCore> {
  return {
    roomId: room.roomId,
    uid: room.hostUid,
    name: room.name,
    createTime: room.createdAtMs,
    clubId: room.clubId ?? "",
    inviteOnly: flag(room.inviteOnly),
  };
}

export function roomResult(room: RoomView): z.input<typeof Room> {
  return {
    ...roomCore({ ...room, clubId: room.club?.clubId }),
    ...room.club && { clubResult: roomClubResult(room.club) },
    memberList: room.members.map(userProfileResult),
    memberTotal: room.memberTotal,
  };
}

function roomClubResult(club: RoomClub): z.input<typeof RoomClubResult> {
  return {
    clubId: club.clubId,
    name: club.name,
    cover: club.cover,
    uid: club.ownerUid,
    createTime: club.createdAtMs,
    memberTotal: club.memberTotal,
    joined: flag(club.joined),
    inviteOnly: 0,
  };
}
