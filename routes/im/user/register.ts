import { z } from "zod";
import { registerByMobile, registerByUsername } from "../../../db/domain/chat_accounts/register.ts";
import { parseMobile } from "../../../db/domain/users/mobile.ts";
import { NICKNAME_LENGTH_MAX } from "../../../db/domain/users/rules.ts";
import { perAddress } from "../../../middleware/rate_limit.ts";
import { maybeNameUpTo } from "../../fields.ts";
import { openEndpoint } from "../surface.ts";
import {
  callerOf,
  clientAt,
  LoginFrom,
  Phone,
  SmsCode,
  UserLogin,
  userLogin,
} from "../user_fields.ts";

const Registration = LoginFrom.extend({
  ...Phone.partial().shape,
  code: SmsCode.optional().describe("短信验证码"),
  username: z.string().optional().describe("Instead of zone, phone and code"),
  password: z.string().describe("6 characters or more"),
  name: maybeNameUpTo(NICKNAME_LENGTH_MAX).default("").describe("Empty: one is made up"),
});

export const register = openEndpoint({
  method: "post",
  path: "/user/register",
  summary: "用户注册",
  description:
    "By phone and code. A number the house knows already, without a password yet, keeps " +
    "its person. By `username` alone only where the installation allows it.",
  body: Registration,
  data: UserLogin,
  errors: [
    "mobile_invalid",
    "captcha_wrong",
    "tries_spent",
    "password_invalid",
    "account_exists",
    "account_frozen",
    "account_missing",
    "registration_closed",
    "username_taken",
  ],
  rate: perAddress(300, "1 h"),
  needsRedis: true,
  async handle({ body, address, headers, ctx }) {
    const { username, zone = "", phone = "", code = "", flag, ...rest } = body;
    const { tokenHash } = callerOf(headers, address);
    const common = { ...rest, kind: flag, client: clientAt(address), tokenHash };
    if (username !== undefined) {
      return userLogin(await registerByUsername(ctx, { ...common, username }));
    }
    const mobile = parseMobile(zone, phone);
    return userLogin(await registerByMobile(ctx, { ...common, mobile, code }));
  },
});
