import { z } from "zod";
import { checkPhone } from "../../../db/domain/chat_accounts/check_phone.ts";
import { logInByPassword } from "../../../db/domain/chat_accounts/log_in.ts";
import { PASSWORD_LENGTH_MAX } from "../../../db/domain/chat_accounts/rules.ts";
import { perAddress } from "../../../middleware/rate_limit.ts";
import { Text } from "../../fields.ts";
import { done, doneAnd } from "../fields.ts";
import { openEndpoint } from "../surface.ts";
import { callerOf, clientAt, LoginFrom, SmsCode, UserLogin, userLogin } from "../user_fields.ts";

export const logIn = openEndpoint({
  method: "post",
  path: "/user/login",
  summary: "用户登录",
  description:
    "Of the app the newest login lives; on the web and desktops ten do, of one `device_id` the " +
    "newest, and without one each stands for itself. Status 110 with `uid` and the masked `phone`: " +
    "the device lock is on and this device has to prove the phone.",
  body: LoginFrom.extend({
    username: Text.describe("区号和手机号 (0086138…)，或注册时的用户名"),
    password: z.string().max(PASSWORD_LENGTH_MAX),
    name: z.string().optional().describe("Not used"),
  }),
  data: UserLogin,
  errors: [
    "login_wrong",
    "tries_spent",
    "account_frozen",
    "account_missing",
    "device_missing",
    "device_check_needed",
  ],
  rate: perAddress(60, "1 min"),
  needsRedis: true,
  async handle({ body, address, headers, ctx }) {
    const { tokenHash } = callerOf(headers, address);
    const login = { ...body, kind: body.flag, client: clientAt(address), tokenHash };
    return userLogin(await logInByPassword(ctx, login));
  },
});

export const confirmPhone = openEndpoint({
  method: "post",
  path: "/user/login/check_phone",
  summary: "登录验证设备手机号",
  body: z.object({ uid: z.string(), code: SmsCode.describe("短信验证码") }),
  data: doneAnd(UserLogin.shape),
  errors: [
    "user_missing",
    "device_missing",
    "captcha_wrong",
    "tries_spent",
    "account_frozen",
    "account_missing",
  ],
  rate: perAddress(60, "1 min"),
  needsRedis: true,
  async handle({ body, address, headers, ctx }) {
    const { tokenHash } = callerOf(headers, address);
    const login = await checkPhone(ctx, { ...body, client: clientAt(address), tokenHash });
    return { ...done, ...userLogin(login) };
  },
});
