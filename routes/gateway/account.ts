import { z } from "zod";
import { sendCaptcha } from "../../db/domain/captchas/send_captcha.ts";
import { takeCaptcha } from "../../db/domain/captchas/take_captcha.ts";
import { logOut as endSession } from "../../db/domain/sessions/log_out.ts";
import { logInByMobile } from "../../db/domain/users/log_in_by_mobile.ts";
import { parseMobile } from "../../db/domain/users/mobile.ts";
import { perAddress } from "../../middleware/rate_limit.ts";
import { Said } from "../endpoint.ts";
import { HexId, Nothing, Text } from "../fields.ts";
import { clientOf } from "./client_headers.ts";
import { endpoint, openEndpoint } from "./surface.ts";

const MobileBody = z.object({
  countryCode: Text.default("86").describe("国家地区码"),
  mobile: Text.describe("手机号"),
});

export const requestCaptcha = openEndpoint({
  method: "post",
  path: "/account/captcha",
  summary: "获取短信验证码",
  description: "A six-digit code, good for five minutes and once; one a minute, five an hour, " +
    "ten a day to one number, and three more for who has logged in from here before.",
  body: MobileBody,
  data: Nothing,
  message: "验证码已发送，请注意查收",
  errors: [
    "mobile_invalid",
    "country_not_served",
    "captcha_too_soon",
    "captcha_spent",
    "captcha_unavailable",
    "sms_failed",
  ],
  rate: perAddress(300, "1 h"),
  needsRedis: true,
  async handle({ body, address, actor, ctx, providers }) {
    await sendCaptcha(ctx, {
      purpose: "login",
      mobile: parseMobile(body.countryCode, body.mobile),
      address,
      tokenHash: actor?.tokenHash,
      deliver: (message) => providers.sms.sendCode(message),
    });
    return {};
  },
});

export const logInByCaptcha = openEndpoint({
  method: "post",
  path: "/account/login/captcha",
  summary: "短信验证码登录/注册账号",
  description: "A number without an account gets one; `message` tells which happened.",
  body: MobileBody.extend({
    captcha: Text.pipe(z.string().regex(/^\d{4,6}$/)).describe("短信验证码"),
  }),
  data: z.object({
    uid: HexId,
    expireTime: z.number().describe("When the token runs out, ms"),
    accessToken: HexId.describe("Password of the Basic credentials"),
    accessSecret: HexId.describe("Signs calls made with this session"),
  }),
  errors: ["mobile_invalid", "captcha_wrong", "tries_spent", "account_frozen", "account_missing"],
  needsRedis: true,
  async handle({ body, address, headers, actor, ctx }) {
    const mobile = parseMobile(body.countryCode, body.mobile);
    const proof = await takeCaptcha(ctx, {
      purpose: "login",
      mobile,
      code: body.captcha,
      address,
      tokenHash: actor?.tokenHash,
    });
    const login = await logInByMobile(ctx, { mobile, client: clientOf(headers, address), proof });
    return new Said(login.registered ? "注册成功" : "登录成功", {
      uid: login.uid,
      expireTime: login.expiresAt.getTime(),
      accessToken: login.token,
      accessSecret: login.accessSecret,
    });
  },
});

export const logOut = endpoint({
  method: "post",
  path: "/account/logout",
  summary: "退出登录",
  data: Nothing,
  message: "退出成功",
  beforeProfile: true,
  repeatable: true,
  async handle({ actor, ctx }) {
    await endSession(ctx, { tokenHash: actor.tokenHash });
    return {};
  },
});
