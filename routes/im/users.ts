import { z } from "zod";
import { changeOwn } from "../../db/domain/chat_accounts/change_own.ts";
import { readUserDetail, type UserDetail } from "../../db/domain/chat_accounts/reads.ts";
import { socketAddresses, zoneOf } from "../../db/domain/chat_accounts/rules.ts";
import { setForPeer } from "../../db/domain/chat_accounts/set_for_peer.ts";
import { NICKNAME_LENGTH_MAX } from "../../db/domain/users/rules.ts";
import { Flag, flag, HexId, maybeNameUpTo, nameUpTo } from "../fields.ts";
import { Done, done } from "./fields.ts";
import { endpoint } from "./surface.ts";
import { UidParams } from "./user_fields.ts";

const REMARK_LENGTH_MAX = 50;
const EXPIRE_SECOND_MAX = 10 * 365 * 24 * 60 * 60;
const PEER_STATUS = { normal: 1, blacklisted: 2 } as const;
const Switch = Flag.transform((value) => value === 1).optional();

const UserDetailResp = z.object({
  uid: HexId,
  name: z.string(),
  mute: Flag.describe("免打扰: your own setting for this person"),
  top: Flag.describe("置顶: your own setting for this person"),
  sex: z.number().int(),
  category: z.string(),
  short_no: z.string(),
  remark: z.string(),
  follow: Flag.describe("1: a friend of yours"),
  status: z.number().int().describe("1 normal, 2 you have blacklisted this person"),
  be_deleted: Flag.describe("1: this person has deleted you"),
  be_blacklist: Flag.describe("1: this person has blacklisted you"),
  online: Flag.describe("Of friends alone"),
  last_offline: z.number().int().describe("Seconds; of friends alone"),
  receipt: Flag,
  chat_pwd_on: Flag,
  screenshot: Flag,
  revoke_remind: Flag,
  robot: Flag,
  zone: z.string().optional().describe("Of yourself alone"),
  phone: z.string().optional().describe("Of yourself alone"),
});

function userDetail(person: UserDetail): z.input<typeof UserDetailResp> {
  const { account, setting, presence, isSelf, isFriend } = person;
  return {
    uid: person.uid,
    name: person.name,
    mute: flag(setting?.mute ?? false),
    top: flag(setting?.top ?? false),
    sex: account?.sex ?? 1,
    category: account?.category ?? "",
    short_no: isSelf || isFriend ? account?.shortNo ?? "" : "",
    remark: setting?.remark ?? "",
    follow: flag(isFriend),
    status: person.blocked ? PEER_STATUS.blacklisted : PEER_STATUS.normal,
    be_deleted: flag(person.deletedMe),
    be_blacklist: flag(person.blockedMe),
    online: flag(presence?.online ?? false),
    last_offline: Math.floor((presence?.lastOfflineAt?.getTime() ?? 0) / 1000),
    receipt: flag(setting?.receipt ?? true),
    chat_pwd_on: flag(setting?.chatPwdOn ?? false),
    screenshot: flag(setting?.screenshot ?? true),
    revoke_remind: flag(setting?.revokeRemind ?? true),
    robot: 0,
    ...(isSelf && { zone: zoneOf(person.countryCode), phone: person.mobile ?? "" }),
  };
}

export const read = endpoint({
  method: "get",
  path: "/users/{uid}",
  summary: "获取指定uid的用户信息",
  params: UidParams,
  data: UserDetailResp,
  errors: ["user_missing"],
  handle: async ({ params, actor, ctx }) =>
    userDetail(await readUserDetail(ctx, { uid: params.uid, viewerId: actor.userId })),
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
    const { publicUrl, publicWsUrl, port } = ctx.config;
    const host = headers.get("host") ?? `localhost:${port}`;
    const protocol = headers.get("x-forwarded-proto")?.split(",", 1).join("").trim();
    const { ws, wss } = socketAddresses({ publicUrl, publicWsUrl, host, protocol });
    return Promise.resolve({ tcp_addr: "", ws_addr: ws, wss_addr: wss });
  },
});

export const changeCurrent = endpoint({
  method: "put",
  path: "/users/current",
  summary: "修改用户信息",
  description: "One or more of these, all of them or none; anything else is refused.",
  body: z.strictObject({
    name: nameUpTo(NICKNAME_LENGTH_MAX).optional(),
    sex: z.literal([0, 1]).optional(),
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
