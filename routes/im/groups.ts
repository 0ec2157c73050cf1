import { z } from "zod";
import { editGroup, forbidGroup } from "../../db/domain/groups/edit_group.ts";
import { joinByScan } from "../../db/domain/groups/join_by_scan.ts";
import { leaveGroup } from "../../db/domain/groups/leave_group.ts";
import { makeGroupCode } from "../../db/domain/groups/qrcode.ts";
import { syncMembers } from "../../db/domain/groups/member_reads.ts";
import { readGroup } from "../../db/domain/groups/reads.ts";
import {
  GROUP_NAME_LENGTH_MAX,
  NOTICE_LENGTH_MAX,
  QRCODE_LIFE_DAYS,
  SYNC_COUNT_DEFAULT,
  SYNC_COUNT_MAX,
} from "../../db/domain/groups/rules.ts";
import { setOwn } from "../../db/domain/groups/set_own.ts";
import { transferGroup } from "../../db/domain/groups/transfer_group.ts";
import { maybeNameUpTo, nameUpTo, textOrNothingUpTo } from "../fields.ts";
import { originOf } from "../origin.ts";
import { Done, done, FlagIn, timeText } from "./fields.ts";
import {
  GROUP_ERRORS,
  GroupParams,
  GroupResp,
  groupResp,
  inChat,
  placeOf,
} from "./group_fields.ts";
import { MemberDetailResp, memberResp } from "./member_fields.ts";
import { endpoint, openEndpoint } from "./surface.ts";

export const read = endpoint({
  method: "get",
  path: "/groups/{group_no}",
  summary: "查询群信息",
  description: "For anybody who knows its number; `mute`, `top`, `save`, `show_nick` are yours.",
  params: GroupParams,
  data: GroupResp,
  errors: ["group_missing"],
  handle: async ({ params, actor, ctx }) =>
    groupResp(await readGroup(ctx, { groupNo: params.group_no, userId: actor.userId })),
});

export const edit = endpoint({
  method: "put",
  path: "/groups/{group_no}",
  summary: "更新群组",
  description: "For owner and managers. What is absent stays; each key is announced by itself.",
  params: GroupParams,
  body: z.object({
    name: nameUpTo(GROUP_NAME_LENGTH_MAX).optional().describe(
      `群名, up to ${GROUP_NAME_LENGTH_MAX} characters`,
    ),
    notice: textOrNothingUpTo(NOTICE_LENGTH_MAX).optional().describe("群公告; empty: none"),
    invite: FlagIn.optional().describe("是否开启确认邀请 0.否 1.是"),
  }).refine((body) => Object.values(body).some((value) => value !== undefined), "没有要修改的内容"),
  data: Done,
  errors: [...GROUP_ERRORS, "group_no_right"],
  async handle({ params, body, actor, ctx }) {
    await editGroup(ctx, placeOf(params), { by: inChat(actor), ...body });
    return done;
  },
});

export const set = endpoint({
  method: "put",
  path: "/groups/{group_no}/setting",
  summary: "更新群设置",
  description: "A member's own; what is absent stays.",
  params: GroupParams,
  body: z.object({
    mute: FlagIn.optional().describe("免打扰"),
    top: FlagIn.optional().describe("置顶"),
    save: FlagIn.optional().describe("保存到通讯录"),
    show_nick: FlagIn.optional().describe("显示群成员昵称"),
    remark: maybeNameUpTo(GROUP_NAME_LENGTH_MAX).optional()
      .describe("群备注, for yourself alone; empty: none"),
  }),
  data: Done,
  errors: GROUP_ERRORS,
  async handle({ params, body: { show_nick: showNick, ...set }, actor, ctx }) {
    await setOwn(ctx, { groupNo: params.group_no, userId: actor.userId, ...set, showNick });
    return done;
  },
});

export const listMembers = endpoint({
  method: "get",
  path: "/groups/{group_no}/membersync",
  summary: "同步群成员",
  description: "Members changed after `version`, removed ones among them. Ask again with the " +
    "largest version until a page is shorter than `limit`; a page is longer where one change is.",
  params: GroupParams,
  query: z.object({
    version: z.coerce.number().int().nonnegative().catch(0).default(0),
    limit: z.coerce.number().int().positive().catch(SYNC_COUNT_DEFAULT).default(SYNC_COUNT_DEFAULT)
      .transform((limit) => Math.min(limit, SYNC_COUNT_MAX)),
  }),
  data: z.array(MemberDetailResp),
  errors: GROUP_ERRORS,
  async handle({ params, query, actor, ctx }) {
    const groupNo = params.group_no;
    const members = await syncMembers(ctx, { groupNo, userId: actor.userId, ...query });
    return members.map((member) => memberResp(groupNo, member));
  },
});

export const forbid = endpoint({
  method: "post",
  path: "/groups/{group_no}/forbidden/{on}",
  summary: "全员禁言",
  description: "For owner and managers: 1 lets only them speak, 0 everybody.",
  params: GroupParams.extend({ on: FlagIn.describe("0.关闭禁言 1.开启禁言") }),
  data: Done,
  errors: [...GROUP_ERRORS, "group_no_right"],
  async handle({ params, actor, ctx }) {
    await forbidGroup(ctx, placeOf(params), { by: inChat(actor), on: params.on });
    return done;
  },
});

export const openQrcode = endpoint({
  method: "get",
  path: "/groups/{group_no}/qrcode",
  summary: "获取群二维码信息",
  description:
    "A new code each time, good for seven days, that remembers who showed it. Drawn at " +
    "`/qr/{code}.svg`.",
  params: GroupParams,
  data: z.object({
    day: z.number().int(),
    qrcode: z.string().describe("The text to draw"),
    expire: z.string().describe("MM月dd日"),
  }),
  errors: GROUP_ERRORS,
  async handle({ params, actor, ctx, request }) {
    const { code, expiresAt } = await makeGroupCode(ctx, {
      groupNo: params.group_no,
      userId: actor.userId,
    });
    const [, month, day] = timeText(expiresAt).slice(0, 10).split("-");
    const qrcode = `${originOf(ctx.config, request)}/qrcode/${code}`;
    return { day: QRCODE_LIFE_DAYS, qrcode, expire: `${month}月${day}日` };
  },
});

export const transfer = endpoint({
  method: "post",
  path: "/groups/{group_no}/transfer/{to_uid}",
  summary: "群主转让",
  description: "The owner becomes a plain member, the other one the owner.",
  params: GroupParams.extend({ to_uid: z.string().describe("接受者用户uid") }),
  data: Done,
  errors: [...GROUP_ERRORS, "group_no_right", "self_refused", "group_members_invalid"],
  async handle({ params, actor, ctx }) {
    await transferGroup(ctx, placeOf(params), { by: inChat(actor), toUid: params.to_uid });
    return done;
  },
});

export const exit = endpoint({
  method: "post",
  path: "/groups/{group_no}/exit",
  summary: "退出群聊",
  description: "When the owner leaves, the manager or else the member who has been there longest " +
    "is the next one. The last to leave takes the group along.",
  params: GroupParams,
  data: Done,
  errors: GROUP_ERRORS,
  async handle({ params, actor, ctx }) {
    await leaveGroup(ctx, placeOf(params), { by: inChat(actor) });
    return done;
  },
});

export const join = openEndpoint({
  method: "get",
  path: "/groups/{group_no}/scanjoin",
  summary: "扫码入群",
  description:
    "The page a scanned code leads to calls it; its code says who joins. Joining again " +
    "is a success.",
  params: GroupParams,
  query: z.object({ auth_code: z.string().describe("授权码") }),
  data: Done,
  errors: ["auth_code_invalid", "group_missing", "group_no_right"],
  async handle({ params, query, ctx }) {
    await joinByScan(ctx, { groupNo: params.group_no, authCode: query.auth_code });
    return done;
  },
});
