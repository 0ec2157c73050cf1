import { z } from "zod";
import { askConfirmation } from "../../../db/domain/groups/confirm_invite.ts";
import { inviteMembers } from "../../../db/domain/groups/invite_members.ts";
import { INVITE_REMARK_LENGTH_MAX } from "../../../db/domain/groups/rules.ts";
import { HexId } from "../../fields.ts";
import { originOf } from "../../origin.ts";
import { done, doneAnd } from "../fields.ts";
import { GROUP_ERRORS, GroupParams, inChat, placeOf, Uids } from "../group_fields.ts";
import { endpoint } from "../surface.ts";

export const invite = endpoint({
  method: "post",
  path: "/groups/{group_no}/member/invite",
  summary: "群成员邀请",
  description:
    "群开启邀请确认后调用此接口进行邀请。 Owner and managers see the request, nobody else.",
  params: GroupParams,
  body: z.object({
    uids: Uids.describe("接受者用户uid"),
    remark: z.string().trim().max(INVITE_REMARK_LENGTH_MAX).default(""),
  }),
  data: doneAnd({ invite_no: HexId }),
  errors: [...GROUP_ERRORS, "group_members_invalid"],
  async handle({ params, body, actor, ctx }) {
    const inviteNo = await inviteMembers(ctx, placeOf(params), { by: inChat(actor), ...body });
    return { ...done, invite_no: inviteNo };
  },
});

export const openConfirmPage = endpoint({
  method: "get",
  path: "/groups/{group_no}/member/h5confirm",
  summary: "获取邀请确认界页面的url（带有授权码）",
  description: "For owner and managers. The page is good for five minutes.",
  params: GroupParams,
  query: z.object({ invite_no: z.string().describe("邀请唯一编号") }),
  data: doneAnd({ url: z.string() }),
  errors: [...GROUP_ERRORS, "group_no_right", "group_invite_missing"],
  async handle({ params, query, actor, ctx, request }) {
    const inviteNo = query.invite_no;
    const authCode = await askConfirmation(ctx, {
      groupNo: params.group_no,
      userId: actor.userId,
      inviteNo,
    });
    const search = new URLSearchParams({ invite_no: inviteNo, auth_code: authCode });
    return { ...done, url: `${originOf(ctx.config, request)}/h5/group/invite?${search}` };
  },
});
