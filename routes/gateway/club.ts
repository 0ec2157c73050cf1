import { z } from "zod";
import { createClub } from "../../db/domain/clubs/create_club.ts";
import { joinClub } from "../../db/domain/clubs/join_club.ts";
import { leaveClub } from "../../db/domain/clubs/leave_club.ts";
import {
  type Club,
  listClubsOf,
  listMembers as readMembers,
  readClub,
} from "../../db/domain/clubs/reads.ts";
import { CLUB_NAME_LENGTH_MAX, COVER_LENGTH_MAX } from "../../db/domain/clubs/rules.ts";
import { perUser } from "../../middleware/rate_limit.ts";
import { Flag, flag, HexId, nameUpTo, Nothing, pictureUpTo } from "../fields.ts";
import { ListedUser, listedUser, Page, pageOf, PageQuery, Sequenced, sequenced } from "./fields.ts";
import { endpoint } from "./surface.ts";

/** `clubResult`: a club as the caller sees it. */
const ClubResult = z.object({
  clubId: HexId,
  name: z.string(),
  cover: z.string(),
  uid: HexId.describe("The owner"),
  createTime: z.number().int(),
  memberTotal: z.number().int().describe("Members, the owner among them"),
  joined: Flag.describe("1: you are a member"),
});

function clubResult(club: Club): z.input<typeof ClubResult> {
  return {
    clubId: club.clubId,
    name: club.name,
    cover: club.cover,
    uid: club.ownerUid,
    createTime: club.createdAt.getTime(),
    memberTotal: club.memberCount,
    joined: flag(club.joined),
  };
}

const ClubParams = z.object({ clubId: z.string() });

export const open = endpoint({
  method: "post",
  path: "/club",
  summary: "创建圈子",
  description: "The caller owns the club and is its first member, so `memberTotal` is 1.",
  body: z.object({
    name: nameUpTo(CLUB_NAME_LENGTH_MAX).describe("名称"),
    cover: pictureUpTo(COVER_LENGTH_MAX).describe("封面"),
  }),
  data: ClubResult,
  rate: perUser(10, "1 min"),
  handle: async ({ body, actor, ctx }) =>
    clubResult(await createClub(ctx, { owner: { userId: actor.userId, uid: actor.uid }, ...body })),
});

export const read = endpoint({
  method: "get",
  path: "/club/{clubId}",
  summary: "获取圈子",
  description: "Anybody may look at a club.",
  params: ClubParams,
  data: ClubResult,
  errors: ["club_missing"],
  handle: async ({ params, actor, ctx }) =>
    clubResult(await readClub(ctx, { clubId: params.clubId, viewerId: actor.userId })),
});

const ListedClub = Sequenced.extend({ clubId: HexId, clubResult: ClubResult })
  .describe("`createTime`: when the caller joined");

export const list = endpoint({
  method: "get",
  path: "/club",
  summary: "分页获取圈子列表",
  description: "Clubs the caller is in, newest joined first; `{}` before the profile is filled in.",
  query: PageQuery,
  // Strict, so that a page that is not as it should be is never taken for nothing.
  data: z.union([Page(ListedClub), z.strictObject({})]),
  beforeProfile: true,
  async handle({ query, actor, ctx }) {
    if (!actor.hasProfile) return {};
    const clubs = await listClubsOf(ctx, {
      userId: actor.userId,
      cursor: query.lastId,
      count: query.count,
    });
    return pageOf(
      query.count,
      clubs.map(({ at, club }) => ({
        clubId: club.clubId,
        clubResult: clubResult(club),
        ...sequenced({ at, id: club.clubId }),
      })),
    );
  },
});

export const listMembers = endpoint({
  method: "get",
  path: "/club/{clubId}/member",
  summary: "分页获取圈子成员列表",
  description: "Newest joined first, also for people who are no members.",
  params: ClubParams,
  query: PageQuery,
  data: Page(ListedUser),
  errors: ["club_missing"],
  async handle({ params, query, actor, ctx }) {
    const members = await readMembers(ctx, {
      clubId: params.clubId,
      viewerId: actor.userId,
      cursor: query.lastId,
      count: query.count,
    });
    return pageOf(query.count, members.map(listedUser));
  },
});

export const join = endpoint({
  method: "post",
  path: "/club/{clubId}/join",
  summary: "加入圈子",
  description: "Joining again is a success.",
  params: ClubParams,
  data: ClubResult,
  errors: ["club_missing"],
  handle: async ({ params, actor, ctx }) =>
    clubResult(await joinClub(ctx, { userId: actor.userId, clubId: params.clubId })),
});

export const leave = endpoint({
  method: "post",
  path: "/club/{clubId}/leave",
  summary: "退出圈子",
  description:
    "A success as well for who is no member. The owner is refused while there are other " +
    "members; with the owner, as the last one, the club vanishes.",
  params: ClubParams,
  data: Nothing,
  errors: ["club_missing", "club_owner_stays"],
  async handle({ params, actor, ctx }) {
    await leaveClub(ctx, { userId: actor.userId, clubId: params.clubId });
    return {};
  },
});
