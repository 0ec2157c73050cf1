import { z } from "zod";
import { updateChatAccount } from "../../db/domain/chat_accounts/account.ts";
import { addToBlacklist, removeFromBlacklist } from "../../db/domain/chat_accounts/blacklist.ts";
import {
  awaitQrLogin,
  finishQrLogin,
  grantQrLogin,
  startQrLogin,
} from "../../db/domain/chat_accounts/qr_login.ts";
import {
  listBlacklist,
  listCustomerServices,
  listDevices,
  listFriendsOnline,
  searchUser,
} from "../../db/domain/chat_accounts/reads.ts";
import { registerDevice as registerPushDevice } from "../../db/domain/chat_accounts/register_device.ts";
import { removeDevice } from "../../db/domain/chat_accounts/remove_device.ts";
import { PASSWORD_LENGTH_MAX } from "../../db/domain/chat_accounts/rules.ts";
import { codeOfUser } from "../../db/domain/groups/qrcode.ts";
import { setChatPassword } from "../../db/domain/chat_accounts/set_chat_password.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { BADGE_MAX } from "../../db/domain/pushes/rules.ts";
import { perAddress, perUser } from "../../middleware/rate_limit.ts";
import { CallerGoneError } from "../body.ts";
import { Flag, flag, HexId, Text } from "../fields.ts";
import { originOf } from "../origin.ts";
import { Strangers } from "../realtime/strangers.ts";
import { Done, done, timeText } from "./fields.ts";
import { endpoint, openEndpoint } from "./surface.ts";
import { clientAt, deviceOf, DeviceQuery, UidParams, UserLogin, userLogin } from "./user_fields.ts";
import { vercodeOf } from "./vercode.ts";

const TOKEN_LENGTH_MAX = 500;

export const search = endpoint({
  method: "get",
  path: "/user/search",
  summary: "搜索用户（精准查询）",
  description: "By exactly this phone, short number or login name. Nobody found is an answer too.",
  query: z.object({ keyword: z.string().trim().min(1).max(64).describe("关键字") }),
  data: z.object({
    exist: Flag.describe("是否存在用户 0.不存在 1.存在"),
    data: z.object({ uid: HexId, name: z.string(), vercode: z.string() }).optional(),
  }),
  // Slow enough that going through numbers finds few people.
  rate: perUser(60, "1 min"),
  async handle({ query, actor, ctx }) {
    const found = await searchUser(ctx, { keyword: query.keyword, searcherId: actor.userId });
    return {
      exist: flag(found !== undefined),
      data: found && { ...found, vercode: vercodeOf(found.uid) },
    };
  },
});

export const registerDevice = endpoint({
  method: "post",
  path: "/user/device_token",
  summary: "注册用户设备",
  description: "One a person, one person a device, until the login ends that names it.",
  body: z.object({
    device_token: z.string().trim().min(1).max(TOKEN_LENGTH_MAX).describe("设备token"),
    device_type: z.string().trim().max(50).default("").describe("设备类型,IOS，MI:小米，HMS: 华为"),
    bundle_id: z.string().trim().max(200).default("").describe("iOS为bundleID Android为包名"),
  }),
  data: Done,
  errors: ["account_missing"],
  async handle({ body, actor, ctx }) {
    await registerPushDevice(ctx, {
      userId: actor.userId,
      tokenHash: actor.tokenHash,
      device: { token: body.device_token, type: body.device_type, bundleId: body.bundle_id },
    });
    return done;
  },
});

export const unregisterDevice = endpoint({
  method: "delete",
  path: "/user/device_token",
  summary: "卸载用户设备",
  data: Done,
  errors: ["account_missing"],
  async handle({ actor, ctx }) {
    await updateChatAccount(ctx, actor.userId, {
      deviceToken: null,
      deviceType: null,
      bundleId: null,
      deviceSessionId: null,
    });
    return done;
  },
});

export const setBadge = endpoint({
  method: "post",
  path: "/user/device_badge",
  summary: "注册设备红点数量",
  body: z.object({ badge: z.number().int().min(0).max(BADGE_MAX) }),
  data: Done,
  errors: ["account_missing"],
  async handle({ body, actor, ctx }) {
    await updateChatAccount(ctx, actor.userId, { badge: body.badge });
    return done;
  },
});

export const grantLogin = endpoint({
  method: "get",
  path: "/user/grant_login",
  summary: "授权登录",
  description: "The app says yes to the login whose QR code it has scanned.",
  query: z.object({ auth_code: z.string().describe("授权码") }),
  data: Done,
  errors: ["auth_code_invalid"],
  needsRedis: true,
  async handle({ query, actor, ctx }) {
    await grantQrLogin(ctx, { authCode: query.auth_code, userId: actor.userId });
    return done;
  },
});

export const openLogin = openEndpoint({
  method: "get",
  path: "/user/loginuuid",
  summary: "获取扫码登录的uuid",
  description: "`qrcode` is shown for a minute; `uuid` stays with the one who asked. With " +
    "`device_id` the login will be of that device, and end its earlier one.",
  query: DeviceQuery,
  data: z.object({ uuid: HexId, qrcode: z.string().describe("The text to draw, an address") }),
  rate: perAddress(60, "1 min"),
  needsRedis: true,
  async handle({ query, ctx, request }) {
    const { uuid, code } = await startQrLogin(ctx, { device: deviceOf(query) });
    return { uuid, qrcode: `${originOf(ctx.config, request)}/qrcode/${code}` };
  },
});

/** Desktops of one network whose question is held back; one more is refused. */
const WAITING_MAX = 50;
const RETRY_AFTER_SECONDS = 10;
const waiting = new Strangers(WAITING_MAX);

export const readLoginStatus = openEndpoint({
  method: "get",
  path: "/user/loginstatus",
  summary: "查询扫码登录状态",
  description:
    "Answered at once when it is scanned, granted or over; otherwise as soon as it is, " +
    `after ten seconds at the latest. At most ${WAITING_MAX} wait from one address.`,
  query: z.object({ uuid: z.string() }),
  data: z.object({
    status: z.enum(["waitScan", "scanned", "authed", "expired"]),
    uid: HexId.optional().describe("Who scanned"),
    auth_code: HexId.optional().describe("Once granted"),
  }),
  // As many as all who may wait ask, and as much again.
  rate: perAddress(600, "1 min"),
  needsRedis: true,
  async handle({ query: { uuid }, address, ctx, ended, request }) {
    if (!waiting.hasRoom(address)) {
      throw new DomainError("rate_exceeded", { retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    const leave = waiting.add(address);
    const state = await awaitQrLogin(ctx, { uuid, ended }).finally(leave);
    if (request.signal.aborted) throw new CallerGoneError("the desktop went away");
    return {
      status: state.status,
      ...("uid" in state && { uid: state.uid }),
      ...("authCode" in state && { auth_code: state.authCode }),
    };
  },
});

export const logInByAuthCode = openEndpoint({
  method: "post",
  path: "/user/login_authcode/{auth_code}",
  summary: "使用授权码登录",
  params: z.object({ auth_code: z.string() }),
  data: UserLogin,
  errors: ["auth_code_invalid", "account_frozen", "account_missing"],
  rate: perAddress(60, "1 min"),
  needsRedis: true,
  handle: async ({ params, address, ctx }) =>
    userLogin(
      await finishQrLogin(ctx, { authCode: params.auth_code, client: clientAt(address) }),
    ),
});

const Device = z.object({
  id: z.number().int(),
  device_id: z.string(),
  device_name: z.string(),
  device_model: z.string(),
  last_login: z.string().describe("yyyy-MM-dd HH:mm"),
  self: Flag.describe("1: this session's device"),
});

function deviceResp(device: Awaited<ReturnType<typeof listDevices>>[number]) {
  return {
    id: device.id,
    device_id: device.deviceId,
    device_name: device.name,
    device_model: device.model,
    last_login: timeText(device.lastLoginAt).slice(0, "yyyy-MM-dd HH:mm".length),
    self: flag(device.isThis),
  };
}

export const readDevices = endpoint({
  method: "get",
  path: "/user/devices",
  summary: "获取用户登录设备",
  description: "At most 100, the newest login first.",
  data: z.array(Device),
  handle: async ({ actor, ctx }) => (await listDevices(ctx, actor)).map(deviceResp),
});

export const readDevice = endpoint({
  method: "get",
  path: "/user/devices/{device_id}",
  summary: "获取一个登录设备",
  description: "Of one's own; empty when one has never logged in on it. The SDK puts `id` into " +
    "the numbers of its messages.",
  params: z.object({ device_id: z.string() }),
  data: Device.partial(),
  async handle({ params, actor, ctx }) {
    const [device] = await listDevices(ctx, { ...actor, deviceId: params.device_id });
    return device ? deviceResp(device) : {};
  },
});

export const showQrcode = endpoint({
  method: "get",
  path: "/user/qrcode",
  summary: "获取我的二维码",
  description: "An address to draw; whoever scans it is shown one's profile.",
  data: z.object({ data: z.string() }),
  handle: ({ actor, ctx, request }) =>
    Promise.resolve({ data: `${originOf(ctx.config, request)}/qrcode/${codeOfUser(actor.uid)}` }),
});

export const forgetDevice = endpoint({
  method: "delete",
  path: "/user/devices/{device_id}",
  summary: "删除登录设备",
  description: "Logs the device out, unless it is this one. An unknown device is fine.",
  params: z.object({ device_id: z.string() }),
  data: Done,
  async handle({ params, actor, ctx }) {
    await removeDevice(ctx, {
      userId: actor.userId,
      tokenHash: actor.tokenHash,
      deviceId: params.device_id,
    });
    return done;
  },
});

export const listServices = endpoint({
  method: "get",
  path: "/user/customerservices",
  summary: "客服列表",
  data: z.array(z.object({ uid: HexId, name: z.string() })),
  handle: async ({ ctx }) => await listCustomerServices(ctx),
});

export const changeChatPassword = endpoint({
  method: "post",
  path: "/user/chatpwd",
  summary: "设置用户聊天密码",
  body: z.object({
    chat_pwd: Text.pipe(z.string().min(1).max(PASSWORD_LENGTH_MAX)).describe("聊天密码"),
    login_pwd: z.string().max(PASSWORD_LENGTH_MAX).describe("登录密码"),
  }),
  data: Done,
  errors: ["login_wrong", "account_missing"],
  // Whoever holds somebody's session shall not find out their password.
  rate: perUser(10, "1 h"),
  async handle({ body, actor, ctx }) {
    const { chat_pwd: chatPassword, login_pwd: loginPassword } = body;
    await setChatPassword(ctx, { userId: actor.userId, chatPassword, loginPassword });
    return done;
  },
});

export const readBlacklist = endpoint({
  method: "get",
  path: "/user/blacklists",
  summary: "用户黑名单列表",
  description: "At most 1000, newest first. `username` is empty where it would say a phone number.",
  data: z.array(z.object({ uid: HexId, name: z.string(), username: z.string() })),
  handle: async ({ actor, ctx }) => await listBlacklist(ctx, actor.userId),
});

export const unblock = endpoint({
  method: "delete",
  path: "/user/blacklist/{uid}",
  summary: "移除黑名单",
  params: UidParams,
  data: Done,
  async handle({ params, actor, ctx }) {
    const { userId, uid: ownUid } = actor;
    await removeFromBlacklist(ctx, { userId, ownUid, uid: params.uid });
    return done;
  },
});

export const block = endpoint({
  method: "post",
  path: "/user/blacklist/{uid}",
  summary: "添加黑名单",
  params: UidParams,
  data: Done,
  errors: ["self_refused", "user_missing"],
  async handle({ params, actor, ctx }) {
    const { userId, uid: ownUid } = actor;
    await addToBlacklist(ctx, { userId, ownUid, uid: params.uid });
    return done;
  },
});

export const listOnline = endpoint({
  method: "get",
  path: "/user/chat/online",
  summary: "获取在线用户",
  description: "One's friends who are online, or of whom it is known when they last were.",
  data: z.array(z.object({
    uid: HexId,
    online: Flag,
    device_flag: z.number().int().describe("0 app, 1 web, 2 desktop"),
    last_offline: z.number().int().describe("Seconds; 0 while online"),
  })),
  async handle({ actor, ctx }) {
    const friends = await listFriendsOnline(ctx, actor.userId);
    return friends.map(({ uid, presence }) => ({
      uid,
      online: flag(presence.online),
      device_flag: presence.deviceFlag,
      last_offline: Math.floor((presence.lastOfflineAt?.getTime() ?? 0) / 1000),
    }));
  },
});
