import { z } from "zod";
import { uuidText } from "../../../config/runtime/uuid.ts";
import {
  listManagedMembers,
  type ManagedMember,
} from "../../../db/domain/groups/list_managed_members.ts";
import { KEYWORD_LENGTH_MAX, LISTED_COUNT_MAX } from "../../../db/domain/groups/managed_rules.ts";
import { GroupId, pageOf, pageQuery, timeText } from "../fields.ts";
import { endpoint } from "../surface.ts";

const MemberRecord = z.object({
  user_id: z.string().describe("The uid written as a UUID"),
  group_id: z.string(),
  version: z.number().int(),
  full_name: z.string(),
  bio: z.string(),
  identity_number: z.number().int(),
  avatar_url: z.string(),
  state: z.string(),
  blocked: z.literal(0),
  active_at: z.string().describe("The last login, or else when they joined"),
  subscribed_at: z.string().optional(),
  expired_at: z.string().optional(),
  created_at: z.string(),
  uiam_id: z.number().int(),
  joined_at: z.string(),
  divided_to: z.string().optional().describe("The group the payments are shared with"),
  divided_at: z.string().optional(),
});

/** What is not stored is left out. */
function memberRecord(groupId: number, member: ManagedMember): z.input<typeof MemberRecord> {
  const perhaps = (at: Date | undefined) => at && timeText(at);
  return {
    user_id: uuidText(member.uid),
    group_id: String(groupId),
    version: member.version,
    full_name: member.nickname,
    bio: member.bio,
    identity_number: member.userId,
    avatar_url: member.avatar,
    state: member.state,
    blocked: 0,
    active_at: timeText(member.activeAt),
    subscribed_at: perhaps(member.subscribedAt),
    expired_at: perhaps(member.expiredAt),
    created_at: timeText(member.createdAt),
    uiam_id: member.userId,
    joined_at: timeText(member.joinedAt),
    divided_to: member.dividedTo === undefined ? undefined : String(member.dividedTo),
    divided_at: perhaps(member.dividedAt),
  };
}

export const list = endpoint({
  method: "get",
  path: "/v1/groups/{group_id}/users",
  summary: "List a group's members",
  description: "The earliest accounts first. With a `keyword`, `total` is counted up to " +
    `${LISTED_COUNT_MAX}.`,
  needs: "groups.read",
  params: z.object({ group_id: GroupId }),
  query: pageQuery(LISTED_COUNT_MAX).extend({
    keyword: z.string().trim().max(KEYWORD_LENGTH_MAX).default("")
      .describe("A part of the nickname, or a whole id: user_id or identity_number"),
  }),
  data: pageOf(MemberRecord),
  errors: ["group_missing"],
  async handle({ params: { group_id: groupId }, query, ctx }) {
    const { total, members } = await listManagedMembers(ctx, { groupId, ...query });
    return { total, items: members.map((member) => memberRecord(groupId, member)) };
  },
});
