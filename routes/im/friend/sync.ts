import { z } from "zod";
import { type ListedFriend, listFriends } from "../../../db/domain/friends/list_friends.ts";
import { FRIENDS_COUNT_MAX } from "../../../db/domain/friends/rules.ts";
import { Flag, flag, HexId } from "../../fields.ts";
import { timeText } from "../fields.ts";
import { endpoint } from "../surface.ts";
import { PEER_STATUS } from "../user_fields.ts";
import { vercodeOf } from "../vercode.ts";

const KEYWORD_LENGTH_MAX = 64;
/** The end of the last year that is written with four digits, ms since 1970. */
const VERSION_MAX = 253_402_300_799_999;

const ListedFriendResp = z.object({
  uid: HexId,
  name: z.string(),
  remark: z.string(),
  version: z.number().int().describe("The last one's is what the next call sends"),
  status: z.number().int().describe("1 normal, 2 you have blacklisted this person"),
  follow: Flag.describe("1: a friend of yours"),
  is_deleted: Flag,
  mute: Flag,
  top: Flag,
  vercode: z.string(),
  short_no: z.string(),
  category: z.string(),
  robot: Flag,
  created_at: z.string(),
  updated_at: z.string(),
});

function listedFriend(friend: ListedFriend): z.input<typeof ListedFriendResp> {
  return {
    uid: friend.uid,
    name: friend.name,
    remark: friend.remark,
    version: friend.updatedAt.getTime(),
    status: friend.isBlocked ? PEER_STATUS.blacklisted : PEER_STATUS.normal,
    follow: flag(!friend.isDeleted),
    is_deleted: flag(friend.isDeleted),
    mute: flag(friend.mute),
    top: flag(friend.top),
    vercode: vercodeOf(friend.uid),
    short_no: friend.shortNo,
    category: friend.category,
    robot: 0,
    created_at: timeText(friend.createdAt),
    updated_at: timeText(friend.updatedAt),
  };
}

export const list = endpoint({
  method: "get",
  path: "/friend/sync",
  summary: "好友列表",
  description:
    "Not in the contract. Without `version` (or 0) all friends there are, with it those " +
    "changed after it, ended friendships among them; ascending by version.",
  query: z.object({
    version: z.coerce.number().int().nonnegative().max(VERSION_MAX).catch(0).default(0),
    limit: z.coerce.number().int().positive().catch(FRIENDS_COUNT_MAX).default(FRIENDS_COUNT_MAX)
      .transform((limit) => Math.min(limit, FRIENDS_COUNT_MAX)),
    keyword: z.string().trim().max(KEYWORD_LENGTH_MAX).optional()
      .describe("Part of a name, or of what you call them"),
  }),
  data: z.array(ListedFriendResp),
  async handle({ query: { version, limit, keyword }, actor, ctx }) {
    const friends = await listFriends(ctx, {
      userId: actor.userId,
      after: version === 0 ? undefined : new Date(version),
      keyword: keyword || undefined,
      limit,
    });
    return friends.map(listedFriend);
  },
});
