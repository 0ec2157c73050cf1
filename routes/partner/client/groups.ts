import { z } from "zod";
import { addMembers as add } from "../../../db/domain/groups/add_members.ts";
import { createGroup } from "../../../db/domain/groups/create_group.ts";
import { disbandGroup } from "../../../db/domain/groups/disband_group.ts";
import { editGroup } from "../../../db/domain/groups/edit_group.ts";
import { leaveGroup } from "../../../db/domain/groups/leave_group.ts";
import {
  type PartnerGroup,
  readMemberPage,
  readOwnGroups,
} from "../../../db/domain/groups/partner_reads.ts";
import { removeMembers as remove } from "../../../db/domain/groups/remove_members.ts";
import { LISTED_MEMBERS_COUNT_MAX, NOTICE_LENGTH_MAX } from "../../../db/domain/groups/rules.ts";
import { setMember } from "../../../db/domain/groups/set_member.ts";
import { AnsweredUid, asClient, Nothing, nothing, Uid } from "../fields.ts";
import {
  byOf,
  ClientAddBody,
  ClientCreateBody,
  ClientRemoveBody,
  ClientSettingsBody,
  GroupId,
  GroupName,
  GroupParams,
  groupText,
  placeOf,
} from "../group_fields.ts";
import { endpoint } from "../surface.ts";

export const create = endpoint({
  method: "post",
  path: "/client/groups",
  summary: "创建群组",
  description: "A client is the master of its groups; a server names anybody.",
  by: "either",
  body: ClientCreateBody,
  data: GroupId,
  errors: ["group_no_right", "user_missing"],
  async handle({ body: { master, super: isSuper, ...body }, actor, ctx }) {
    const { tenantId } = actor;
    const group = { by: byOf(actor), tenantId, masterUid: master, isSuper, ...body };
    const { groupId } = await createGroup(ctx, group);
    return { group_id: groupId };
  },
});

const Member = z.object({
  uid: AnsweredUid.describe("成员id"),
  name: z.string().describe("用户昵称"),
  nickname: z.string().describe("群内昵称"),
});

const ClientGroup = z.object({
  id: z.number().int().describe("群组id"),
  master: AnsweredUid.describe("管理员id"),
  super: z.literal([0, 1]).describe("超级群"),
  name: z.string().describe("群名"),
  notice: z.string().describe("群公告"),
  members: z.array(Member).optional(),
  do_not_disturb: z.boolean().optional().describe("免打扰设置项"),
});

function clientGroup(group: PartnerGroup, withQuiet: boolean): z.input<typeof ClientGroup> {
  return {
    id: group.groupId,
    master: group.masterUid,
    super: group.isSuper ? 1 : 0,
    name: group.name,
    notice: group.notice,
    ...group.members && { members: group.members },
    ...withQuiet && { do_not_disturb: group.doNotDisturb },
  };
}

export const list = endpoint({
  method: "get",
  path: "/client/groups",
  summary: "获取群组",
  description: "The groups the caller is in, the newest first; `fields` asks for `members` (the " +
    "first 5,000 of each; where that is more than 250,000 in all, of the older groups 500) and `quiet`.",
  by: "client",
  query: z.object({ fields: z.string().default("").transform((text) => text.split(",")) }),
  data: z.array(ClientGroup),
  async handle({ query: { fields }, actor, ctx }) {
    const { userId } = asClient(actor);
    const withMembers = fields.includes("members");
    const groups = await readOwnGroups(ctx, { userId, withMembers });
    return groups.map((group) => clientGroup(group, fields.includes("quiet")));
  },
});

export const listMembers = endpoint({
  method: "get",
  path: "/client/groups/{gid}/members",
  summary: "List a group's members",
  description: "By rising uid, for its members and the server; the next page is `after` the last " +
    "uid of this one. Not in the contract.",
  by: "either",
  params: GroupParams,
  query: z.object({
    after: z.union([z.literal("0").transform(() => undefined), Uid]).optional(),
    limit: z.int().min(1).max(LISTED_MEMBERS_COUNT_MAX).default(LISTED_MEMBERS_COUNT_MAX),
  }),
  data: z.array(Member),
  errors: ["group_missing", "group_not_member"],
  async handle({ params, query, actor, ctx }) {
    const userId = actor.kind === "client" ? actor.userId : undefined;
    return await readMemberPage(ctx, { ...placeOf(actor, params), userId, ...query });
  },
});

export const edit = endpoint({
  method: "patch",
  path: "/client/groups/{gid}",
  summary: "修改群组名称",
  description:
    "For its members; in the house's groups for owner and managers. name和notice一次只能设置一个选项.",
  by: "client",
  params: GroupParams,
  body: z.object({
    name: GroupName.optional(),
    notice: groupText(NOTICE_LENGTH_MAX).optional().describe("群公告; empty: none"),
  }).refine(
    ({ name, notice }) => (name === undefined) !== (notice === undefined),
    "群名和公告一次只能设置一项",
  ),
  data: Nothing,
  errors: ["group_missing", "group_not_member", "group_no_right", "message_invalid"],
  async handle({ params, body, actor, ctx }) {
    await editGroup(ctx, placeOf(actor, params), { by: byOf(actor), ...body });
    return nothing;
  },
});

export const disband = endpoint({
  method: "delete",
  path: "/client/groups/{gid}",
  summary: "解散群组",
  description: "For its master.",
  by: "client",
  params: GroupParams,
  data: Nothing,
  errors: ["group_missing", "group_no_right"],
  async handle({ params, actor, ctx }) {
    await disbandGroup(ctx, placeOf(actor, params), { by: byOf(actor) });
    return nothing;
  },
});

export const addMembers = endpoint({
  method: "post",
  path: "/client/groups/{gid}/members",
  summary: "添加群组成员",
  description: "For its members; the caller is who invited them. Names given are those of people " +
    "who have none.",
  by: "client",
  params: GroupParams,
  body: ClientAddBody,
  data: Nothing,
  errors: ["group_missing", "group_not_member", "group_no_right", "user_missing"],
  async handle({ params, body: { members }, actor, ctx }) {
    await add(ctx, placeOf(actor, params), { by: byOf(actor), people: { members } });
    return nothing;
  },
});

export const removeMember = endpoint({
  method: "delete",
  path: "/client/groups/{gid}/members/{mid}",
  summary: "离开群",
  description: "For oneself.",
  by: "client",
  params: GroupParams.extend({ mid: Uid }),
  data: Nothing,
  errors: ["group_missing", "group_no_right"],
  async handle({ params, actor, ctx }) {
    await leaveGroup(ctx, placeOf(actor, params), { by: byOf(actor), appUid: params.mid });
    return nothing;
  },
});

export const removeMembers = endpoint({
  method: "delete",
  path: "/client/groups/{gid}/members",
  summary: "移除群成员",
  description: "For its master, or the server.",
  by: "either",
  params: GroupParams,
  body: ClientRemoveBody,
  data: Nothing,
  errors: ["group_missing", "group_no_right"],
  async handle({ params, body, actor, ctx }) {
    const people = { appUids: body };
    await remove(ctx, placeOf(actor, params), { by: byOf(actor), people });
    return nothing;
  },
});

export const changeMember = endpoint({
  method: "patch",
  path: "/client/groups/{gid}/members/{memberid}",
  summary: "群设置",
  description: "For oneself, or the server. do_not_disturb和nickname一次只能设置一个选项.",
  by: "either",
  params: GroupParams.extend({ memberid: Uid }),
  body: ClientSettingsBody,
  data: Nothing,
  errors: ["group_missing", "group_no_right", "group_members_invalid"],
  async handle({ params, body: { do_not_disturb: doNotDisturb, ...set }, actor, ctx }) {
    const person = { appUid: params.memberid };
    await setMember(ctx, placeOf(actor, params), { by: byOf(actor), person, doNotDisturb, ...set });
    return nothing;
  },
});
