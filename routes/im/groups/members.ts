import { z } from "zod";
import { addMembers } from "../../../db/domain/groups/add_members.ts";
import { removeMembers } from "../../../db/domain/groups/remove_members.ts";
import { GROUP_NAME_LENGTH_MAX } from "../../../db/domain/groups/rules.ts";
import { setMember } from "../../../db/domain/groups/set_member.ts";
import { maybeNameUpTo } from "../../fields.ts";
import { Done, done } from "../fields.ts";
import { GROUP_ERRORS, GroupParams, inChat, placeOf, Uids } from "../group_fields.ts";
import { endpoint } from "../surface.ts";

const MembersBody = z.object({ members: Uids.default([]).describe("成员uid集合") });

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
