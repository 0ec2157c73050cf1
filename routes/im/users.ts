import { z } from "zod";
import { changeOwn } from "../../db/domain/chat_accounts/change_own.ts";
import { readUserDetail } from "../../db/domain/chat_accounts/reads.ts";
import { socketAddresses, tcpAddress } from "../../db/domain/chat_accounts/rules.ts";
import { setForPeer } from "../../db/domain/chat_accounts/set_for_peer.ts";
import { readMember } from "../../db/domain/groups/member_reads.ts";
import { NICKNAME_LENGTH_MAX } from "../../db/domain/users/rules.ts";
import { Flag, flag, HexId, maybeNameUpTo, nameUpTo } from "../fields.ts";
import { Done, done, FlagIn } from "./fields.ts";
import { endpoint } from "./surface.ts";
import { REMARK_LENGTH_MAX, UidParams, userDetail, UserDetailResp } from "./user_fields.ts";

const EXPIRE_SECOND_MAX = 10 * 365 * 24 * 60 * 60;
const Switch = FlagIn.optional();

export const read = endpoint({
  method: "get",
  path: "/users/{uid}",
  summary: "获取指定uid的用户信息",
  description: "With `group_no` also their place in a group that both are in.",
  params: UidParams,
  query: z.object({ group_no: z.string().optional() }),
  data: UserDetailResp,
  errors: ["user_missing"],
  async handle({ params: { uid }, query: { group_no: groupNo }, actor, ctx }) {
    const [person, place] = await Promise.all([
      readUserDetail(ctx, { uid, viewerId: actor.userId }),
      groupNo ? readMember(ctx, { groupNo, uid, viewerId: actor.userId }) : undefined,
    ]);
    return userDetail(person, place && { groupNo: groupNo!, ...place });
  },
});

export const set = endpoint({
  method: "put",
  path: "/users/{uid}/setting",
  summary: "修改用户设置",
  description: "Any of these; what is left out stays, what is unknown is ignored.",
  params: UidParams,
  body: z.object({
    mute: Switch.describe("免打扰"),
    top: Switch.describe("置顶"),
    chat_pwd_on: Switch,
    screenshot: Switch,
    revoke_remind: Switch,
    receipt: Switch,
    remark: maybeNameUpTo(REMARK_LENGTH_MAX).optional(),
  }),
  data: z.object({ mute: Flag, top: Flag }),
  errors: ["user_missing"],
  async handle({ params, body, actor, ctx }) {
    const { chat_pwd_on: chatPwdOn, revoke_remind: revokeRemind, ...rest } = body;
    const setting = { ...rest, chatPwdOn, revokeRemind };
    const now = await setForPeer(ctx, { userId: actor.userId, uid: params.uid, setting });
    return { mute: flag(now.mute), top: flag(now.top) };
  },
});

export const readRoute = endpoint({
  method: "post",
  path: "/users/{uid}/im",
  aliases: [{ method: "get" }],
  summary: "获取用户所在IM节点信息",
  description: "Where to open the chat socket. Every node knows everybody.",
  params: z.object({ uid: HexId }),
  data: z.object({ tcp_addr: z.string(), ws_addr: z.string(), wss_addr: z.string() }),
  handle({ headers, ctx }) {
    const { publicUrl, publicWsUrl, port, tcp } = ctx.config;
    const host = headers.get("host") ?? `localhost:${port}`;
    const protocol = headers.get("x-forwarded-proto")?.split(",", 1).join("").trim();
    const { ws, wss } = socketAddresses({ publicUrl, publicWsUrl, host, protocol });
    return Promise.resolve({ tcp_addr: tcpAddress(tcp, host), ws_addr: ws, wss_addr: wss });
  },
});

export const changeCurrent = endpoint({
  method: "put",
  path: "/users/current",
  aliases: [{ path: "/user/current" }],
  summary: "修改用户信息",
  description: "One or more of these, all of them or none; anything else is refused.",
  body: z.strictObject({
    name: nameUpTo(NICKNAME_LENGTH_MAX).optional(),
    sex: Flag.optional(),
    short_no: z.string().optional().describe(
      "Once only: 6 to 20 letters, digits, _ and -, a letter first, a digit somewhere",
    ),
    search_by_phone: Switch,
    search_by_short: Switch,
    new_msg_notice: Switch,
    msg_show_detail: Switch,
    voice_on: Switch,
    shock_on: Switch,
    mute_of_app: Switch,
    offline_protection: Switch,
    device_lock: Switch,
    msg_expire_second: z.number().int().min(0).max(EXPIRE_SECOND_MAX).optional(),
  }).refine((body) => Object.keys(body).length > 0, "没有要修改的内容"),
  data: Done,
  errors: ["short_no_invalid", "short_no_changed", "short_no_taken", "account_missing"],
  async handle({ body, actor, ctx }) {
    const changes = {
      name: body.name,
      sex: body.sex,
      shortNo: body.short_no,
      searchByPhone: body.search_by_phone,
      searchByShort: body.search_by_short,
      newMsgNotice: body.new_msg_notice,
      msgShowDetail: body.msg_show_detail,
      voiceOn: body.voice_on,
      shockOn: body.shock_on,
      offlineProtection: body.offline_protection,
      deviceLock: body.device_lock,
      muteOfApp: body.mute_of_app,
      msgExpireSecond: body.msg_expire_second,
    };
    await changeOwn(ctx, { userId: actor.userId, uid: actor.uid, changes });
    return done;
  },
});
