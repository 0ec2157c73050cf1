import { z } from "zod";
import { confirmInvite, readInvite } from "../../db/domain/groups/confirm_invite.ts";
import { createGroup } from "../../db/domain/groups/create_group.ts";
import { readGroup } from "../../db/domain/groups/reads.ts";
import { GROUP_NAME_LENGTH_MAX } from "../../db/domain/groups/rules.ts";
import { perUser } from "../../middleware/rate_limit.ts";
import { Flag, flag, HexId, maybeNameUpTo } from "../fields.ts";
import { Done, done } from "./fields.ts";
import { GroupResp, groupResp, inChat, Uids } from "./group_fields.ts";
import { endpoint, openEndpoint } from "./surface.ts";

export const create = endpoint({
  method: "post",
  path: "/group/create",
  summary: "创建群组",
  description: "You own it; of the named only your friends come in. Ten a day. A group without a " +
    "name is called after its people.",
  body: z.object({
    name: maybeNameUpTo(GROUP_NAME_LENGTH_MAX).default("").describe("群名"),
    members: Uids.default([]),
  }),
  data: GroupResp,
  errors: ["group_members_invalid", "group_too_many"],
  rate: perUser(20, "1 min"),
  async handle({ body, actor, ctx }) {
    const { members: uids, name } = body;
    const { groupNo } = await createGroup(ctx, { by: inChat(actor), name, uids });
    return groupResp(await readGroup(ctx, { groupNo, userId: actor.userId }));
  },
});

const Person = z.object({ uid: HexId, name: z.string() });

export const showInvite = endpoint({
  method: "get",
  path: "/group/invites/{no}",
  summary: "查询群邀请",
  description: "For the group's owner and managers.",
  params: z.object({ no: z.string().describe("邀请编号") }),
  data: z.object({
    invite_no: HexId,
    group_no: HexId,
    group_name: z.string(),
    inviter: HexId,
    inviter_name: z.string(),
    remark: z.string(),
    status: Flag.describe("0 waiting, 1 confirmed"),
    items: z.array(Person),
  }),
  errors: ["group_invite_missing"],
  async handle({ params, actor, ctx }) {
    const invite = await readInvite(ctx, { inviteNo: params.no, userId: actor.userId });
    return {
      invite_no: invite.inviteNo,
      group_no: invite.groupNo,
      group_name: invite.groupName,
      inviter: invite.inviter.uid,
      inviter_name: invite.inviter.name,
      remark: invite.remark,
      status: flag(invite.isConfirmed),
      items: invite.people,
    };
  },
});

export const acceptInvite = openEndpoint({
  method: "post",
  path: "/group/invite/sure",
  summary: "确认群邀请",
  description: "The page of `h5confirm` calls it; its code says who confirms what, once.",
  query: z.object({ auth_code: z.string().describe("授权码") }),
  data: Done,
  errors: [
    "auth_code_invalid",
    "group_invite_missing",
    "group_missing",
    "group_not_member",
    "group_no_right",
  ],
  async handle({ query, ctx }) {
    await confirmInvite(ctx, { authCode: query.auth_code });
    return done;
  },
});
