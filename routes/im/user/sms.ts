import { z } from "zod";
import { sendCaptcha } from "../../../db/domain/captchas/send_captcha.ts";
import { sendDeviceCode } from "../../../db/domain/chat_accounts/check_phone.ts";
import { isRegistered } from "../../../db/domain/chat_accounts/register.ts";
import { parseMobile } from "../../../db/domain/users/mobile.ts";
import { perAddress } from "../../../middleware/rate_limit.ts";
import { Flag, flag } from "../../fields.ts";
import { Done, done, doneAnd } from "../fields.ts";
import { openEndpoint } from "../surface.ts";
import { callerOf, Phone, SENDING_ERRORS } from "../user_fields.ts";

export const sendLoginCode = openEndpoint({
  method: "post",
  path: "/user/sms/login_check_phone",
  summary: "发送登录设备验证验证码",
  description: "After a login was answered with status 110, within five minutes.",
  body: z.object({ uid: z.string() }),
  data: Done,
  errors: ["user_missing", "device_missing", ...SENDING_ERRORS],
  rate: perAddress(300, "1 h"),
  needsRedis: true,
  async handle({ body, address, headers, ctx, providers }) {
    const deliver = (message: { to: string; code: string }) => providers.sms.sendCode(message);
    await sendDeviceCode(ctx, { uid: body.uid, ...callerOf(headers, address), deliver });
    return done;
  },
});

export const sendRegisterCode = openEndpoint({
  method: "post",
  path: "/user/sms/registercode",
  summary: "获取注册短信",
  description: "Good for five minutes and once. A number that is registered gets none.",
  body: Phone,
  data: doneAnd({ exist: Flag.describe("1: registered already, nothing was sent") }),
  errors: ["mobile_invalid", ...SENDING_ERRORS],
  rate: perAddress(300, "1 h"),
  needsRedis: true,
  async handle({ body, address, headers, ctx, providers }) {
    const mobile = parseMobile(body.zone, body.phone);
    const exists = await isRegistered(ctx, mobile);
    if (!exists) {
      const deliver = (message: { to: string; code: string }) => providers.sms.sendCode(message);
      const caller = callerOf(headers, address);
      await sendCaptcha(ctx, { ...caller, purpose: "register", mobile, deliver });
    }
    return { ...done, exist: flag(exists) };
  },
});
