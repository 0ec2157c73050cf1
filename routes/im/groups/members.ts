import { z } from "zod";
import { addMembers } from "../../../db/domain/groups/add_members.ts";
import { listMembers } from "../../../db/domain/groups/member_reads.ts";
import { removeMembers } from "../../../db/domain/groups/remove_members.ts";
import { GROUP_NAME_LENGTH_MAX, SYNC_COUNT_MAX } from "../../../db/domain/groups/rules.ts";
import { setMember } from "../../../db/domain/groups/set_member.ts";
import { maybeNameUpTo } from "../../fields.ts";
import { Done, done } from "../fields.ts";
import { GROUP_ERRORS, GroupParams, inChat, placeOf, Uids } from "../group_fields.ts";
import { MemberDetailResp, memberResp } from "../member_fields.ts";
import { endpoint } from "../surface.ts";

const MembersBody = z.object({ members: Uids.default([]).describe("成员uid集合") });

const PAGE_SIZE_DEFAULT = 50;
/** So that the last page begins within what PostgreSQL counts. */
const PAGE_MAX = 1_000_000;
const KEYWORD_LENGTH_MAX = 64;

export const list = endpoint({
  method: "get",
  path: "/groups/{group_no}/members",
  summary: "群成员列表",
  description: "Not in the contract. Who is in the group now: the owner, the managers, then " +
    "everybody in the order in which they came.",
  params: GroupParams,
  query: z.object({
    page: z.coerce.number().int().positive().max(PAGE_MAX).catch(1).default(1),
    limit: z.coerce.number().int().positive().catch(PAGE_SIZE_DEFAULT).default(PAGE_SIZE_DEFAULT)
      .transform((limit) => Math.min(limit, SYNC_COUNT_MAX)),
    keyword: z.string().trim().max(KEYWORD_LENGTH_MAX).optional()
      .describe("Part of a name, or of a name within the group"),
  }),
  data: z.array(MemberDetailResp),
  errors: GROUP_ERRORS,
  async handle({ params: { group_no: groupNo }, query, actor, ctx }) {
    const { page, limit, keyword = "" } = query;
    const asked = { groupNo, page, limit, keyword: keyword || undefined };
    const members = await listMembers(ctx, { userId: actor.userId, ...asked });
    return members.map((member) => memberResp(groupNo, member));
  },
});

export const add = endpoint({
  method: "post",
  path: "/groups/{group_no}/members",
  summary: "添加群成员",
  description:
    "For any member; for owner and managers alone while invitations are confirmed. Who " +
    "is in already is passed over.",
  params: GroupParams,
  body: MembersBody,
  data: Done,
  errors: [...GROUP_ERRORS, "group_no_right", "group_members_invalid"],
  async handle({ params, body, actor, ctx }) {
    const people = { uids: body.members };
    await addMembers(ctx, placeOf(params), { by: inChat(actor), people });
    return done;
  },
});

export const remove = endpoint({
  method: "delete",
  path: "/groups/{group_no}/members",
  summary: "移除群成员",
  description: "The owner removes anybody else, a manager plain members.",
  params: GroupParams,
  body: MembersBody,
  data: Done,
  errors: [...GROUP_ERRORS, "group_no_right", "self_refused", "group_members_invalid"],
  async handle({ params, body, actor, ctx }) {
    const people = { uids: body.members };
    await removeMembers(ctx, placeOf(params), { by: inChat(actor), people });
    return done;
  },
});

export const rename = endpoint({
  method: "put",
  path: "/groups/{group_no}/members/{uid}",
  summary: "修改群成员信息",
  description: "One's own, or as owner or manager anybody's.",
  params: GroupParams.extend({ uid: z.string().describe("群成员uid") }),
  body: z.object({
    remark: maybeNameUpTo(GROUP_NAME_LENGTH_MAX).optional().describe("成员备注"),
  }),
  data: Done,
  errors: [...GROUP_ERRORS, "group_no_right", "group_members_invalid"],
  async handle({ params, body, actor, ctx }) {
    await setMember(ctx, placeOf(params), {
      by: inChat(actor),
      person: { uid: params.uid },
      nickname: body.remark,
    });
    return done;
  },
});
