import { addMembers } from "../../../db/domain/groups/add_members.ts";
import { leaveGroup } from "../../../db/domain/groups/leave_group.ts";
import { removeMembers } from "../../../db/domain/groups/remove_members.ts";
import { SERVER_BODY_BYTES_MAX } from "../../../db/domain/groups/rules.ts";
import { setMember } from "../../../db/domain/groups/set_member.ts";
import { Nothing, nothing, Uid } from "../fields.ts";
import { AddBody, byOf, GroupParams, placeOf, RemoveBody, SettingsBody } from "../group_fields.ts";
import { endpoint } from "../surface.ts";

export const add = endpoint({
  method: "post",
  path: "/groups/{gid}/members",
  summary: "添加群组成员",
  description:
    "`{members, inviter}`, a bare array, or one member by themselves. Who is in already " +
    "is passed over; an empty list does nothing.",
  params: GroupParams,
  body: AddBody,
  data: Nothing,
  errors: ["group_missing", "user_missing"],
  bodyBytesMax: SERVER_BODY_BYTES_MAX,
  async handle({ params, body, actor, ctx }) {
    await addMembers(ctx, placeOf(actor, params), { by: byOf(actor), people: body });
    return nothing;
  },
});

export const remove = endpoint({
  method: "delete",
  path: "/groups/{gid}/members/{mid}",
  summary: "离开群",
  description: "Somebody who is not in the group is no error.",
  params: GroupParams.extend({ mid: Uid }),
  data: Nothing,
  errors: ["group_missing"],
  async handle({ params, actor, ctx }) {
    await leaveGroup(ctx, placeOf(actor, params), { by: byOf(actor), appUid: params.mid });
    return nothing;
  },
});

export const removeSeveral = endpoint({
  method: "delete",
  path: "/groups/{gid}/members",
  summary: "移除群成员",
  description: "Ids, or objects with a `uid`. Who is not in the group is passed over.",
  params: GroupParams,
  body: RemoveBody,
  data: Nothing,
  errors: ["group_missing"],
  bodyBytesMax: SERVER_BODY_BYTES_MAX,
  async handle({ params, body, actor, ctx }) {
    const people = { appUids: body };
    await removeMembers(ctx, placeOf(actor, params), { by: byOf(actor), people });
    return nothing;
  },
});

export const change = endpoint({
  method: "patch",
  path: "/groups/{gid}/members/{memberid}",
  summary: "群设置",
  description: "do_not_disturb和nickname一次只能设置一个选项; `mute` may stand beside either.",
  params: GroupParams.extend({ memberid: Uid }),
  body: SettingsBody,
  data: Nothing,
  errors: ["group_missing", "group_members_invalid"],
  async handle({ params, body: { do_not_disturb: doNotDisturb, ...set }, actor, ctx }) {
    const person = { appUid: params.memberid };
    await setMember(ctx, placeOf(actor, params), { by: byOf(actor), person, doNotDisturb, ...set });
    return nothing;
  },
});
