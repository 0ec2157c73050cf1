import { z } from "zod";
import type { ChatLogin } from "../../db/domain/chat_accounts/account.ts";
import type { UserDetail } from "../../db/domain/chat_accounts/reads.ts";
import { zoneOf } from "../../db/domain/chat_accounts/rules.ts";
import type { MemberPlace } from "../../db/domain/groups/member_reads.ts";
import { hashToken } from "../../db/domain/sessions/access_secret.ts";
import type { Caller } from "../../db/domain/sessions/known_caller.ts";
import type { ClientApp, Device } from "../../db/domain/sessions/open_session.ts";
import { Flag, flag, HexId, Text } from "../fields.ts";
import { timeText } from "./fields.ts";
import { MemberDetailResp, memberResp } from "./member_fields.ts";
import { vercodeOf } from "./vercode.ts";

/** Longest texts a device says of itself, characters. */
const DEVICE_TEXT_LENGTH_MAX = 200;
const deviceText = z.string().trim().max(DEVICE_TEXT_LENGTH_MAX);

/** Of what one person calls another, characters. */
export const REMARK_LENGTH_MAX = 50;
/** `status` of a person as another one sees them. */
export const PEER_STATUS = { normal: 1, blacklisted: 2 } as const;

/** A person's address in a path; what no uid looks like is simply unknown. */
export const UidParams = z.object({ uid: z.string() });

/** `UserDetailResp`: a person as the caller sees them, with what the public server says besides. */
export const UserDetailResp = z.object({
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
  username: z.string().describe("Of yourself alone"),
  vercode: z.string().describe("Clients send it along when they ask for friendship"),
  source_desc: z.literal("").describe("Where you met: nobody knows"),
  is_destroy: Flag.describe("0: whoever deletes their account is not there"),
  is_upload_avatar: Flag,
  flame: Flag,
  flame_second: z.number().int(),
  device_flag: z.number().int().describe("0 app, 1 web, 2 desktop; of friends alone"),
  join_group_invite_uid: z.string().describe("Who brought them into `group_no`"),
  join_group_invite_name: z.string(),
  join_group_time: z.string(),
  group_member: MemberDetailResp.optional().describe("Their place in `group_no`"),
  zone: z.string().optional().describe("Of yourself alone"),
  phone: z.string().optional().describe("Of yourself alone"),
});

export function userDetail(
  person: UserDetail,
  place?: MemberPlace & { groupNo: string },
): z.input<typeof UserDetailResp> {
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
    username: isSelf ? account?.username ?? "" : "",
    vercode: vercodeOf(person.uid),
    source_desc: "",
    is_destroy: 0,
    is_upload_avatar: flag(person.avatar !== ""),
    flame: 0,
    flame_second: 0,
    device_flag: presence?.deviceFlag ?? 0,
    join_group_invite_uid: place?.member.inviterUid ?? "",
    join_group_invite_name: place?.inviterName ?? "",
    join_group_time: place ? timeText(place.member.createdAt) : "",
    ...(place && { group_member: memberResp(place.groupNo, place.member) }),
    ...(isSelf && { zone: zoneOf(person.countryCode), phone: person.mobile ?? "" }),
  };
}

export const Phone = z.object({
  zone: Text.describe("手机区号: `0086`, `+86` or `86`"),
  phone: Text.describe("手机号"),
});

export const SmsCode = Text.pipe(z.string().regex(/^\d{4,6}$/));

/** A device as it says of itself. */
const DeviceSaid = z.object({
  device_id: deviceText.min(1),
  device_name: deviceText.default(""),
  device_model: deviceText.default(""),
});

/** The same in a query, where it may be left out. */
export const DeviceQuery = DeviceSaid.extend({ device_id: deviceText.default("") });

export function deviceOf(
  { device_id: deviceId, device_name: name, device_model: model }: z.infer<typeof DeviceSaid>,
): Device | undefined {
  return deviceId === "" ? undefined : { deviceId, name, model };
}

/** What a login says besides who logs in. */
export const LoginFrom = z.object({
  flag: z.coerce.number().pipe(Flag).default(0).describe("设备标示 0.APP 1.PC"),
  device: DeviceSaid.nullish().transform((device) => device ? deviceOf(device) : undefined),
});

/** The chat app says nothing of itself in headers; sockets are told apart by `flag`. */
export function clientAt(address: string): ClientApp {
  return { clientType: undefined, versionName: undefined, versionCode: undefined, address };
}

/** What an open operation believes of its caller: a session's token, where one came along. */
export function callerOf(headers: Headers, address: string): Caller {
  const token = headers.get("token");
  return { address, tokenHash: token ? hashToken(token) : undefined };
}

/** Why a code is not sent. */
export const SENDING_ERRORS = [
  "country_not_served",
  "captcha_too_soon",
  "captcha_spent",
  "captcha_unavailable",
  "sms_failed",
] as const;

/** `UserLoginResp`, with what the deployed clients read besides. */
export const UserLogin = z.object({
  uid: HexId,
  token: HexId.describe("用户凭证"),
  username: z.string(),
  name: z.string(),
  sex: z.number().int(),
  category: z.string(),
  short_no: z.string(),
  zone: z.string(),
  phone: z.string(),
  setting: z.object({
    search_by_phone: Flag,
    search_by_short: Flag,
    new_msg_notice: Flag,
    msg_show_detail: Flag,
    voice_on: Flag,
    shock_on: Flag,
    offline_protection: Flag,
    device_lock: Flag,
    mute_of_app: Flag,
  }),
  app_id: z.string(),
  chat_pwd: z.string(),
  lock_screen_pwd: z.string(),
  short_status: Flag.describe("1: the short number has been changed"),
  rsa_public_key: z.string(),
  msg_expire_second: z.number().int(),
});

export function userLogin({ session, person }: ChatLogin): z.input<typeof UserLogin> {
  const { account } = person;
  return {
    uid: person.uid,
    token: session.token,
    username: account.username,
    name: person.name,
    sex: account.sex,
    category: account.category,
    short_no: account.shortNo,
    zone: zoneOf(person.countryCode),
    phone: person.mobile ?? "",
    setting: {
      search_by_phone: flag(account.searchByPhone),
      search_by_short: flag(account.searchByShort),
      new_msg_notice: flag(account.newMsgNotice),
      msg_show_detail: flag(account.msgShowDetail),
      voice_on: flag(account.voiceOn),
      shock_on: flag(account.shockOn),
      offline_protection: flag(account.offlineProtection),
      device_lock: flag(account.deviceLock),
      mute_of_app: flag(account.muteOfApp),
    },
    app_id: "",
    chat_pwd: account.chatPassword,
    lock_screen_pwd: "",
    short_status: flag(account.shortNoChanged),
    rsa_public_key: "",
    msg_expire_second: account.msgExpireSecond,
  };
}
