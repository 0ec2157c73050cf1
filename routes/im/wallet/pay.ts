import { z } from "zod";
import { issuePayToken } from "../../../db/domain/wallet/issue_pay_token.ts";
import {
  checkPayCode,
  sendPayCode,
  setPayPassword,
} from "../../../db/domain/wallet/pay_password.ts";
import { perUser } from "../../../middleware/rate_limit.ts";
import { HexId } from "../../fields.ts";
import { CentsIn, Done, done } from "../fields.ts";
import { endpoint } from "../surface.ts";
import { SENDING_ERRORS, SmsCode } from "../user_fields.ts";

/** Longer ones are no pay passwords anyway; 6 digits is a rule of the wallet. */
const PayPassword = z.string().max(64).describe("6 digits");

export const sendCode = endpoint({
  method: "post",
  path: "/wallet/pay/smscode/paypwd",
  summary: "发送支付验证码",
  description: "To one's own phone; good for five minutes and for setting one pay password.",
  data: Done,
  errors: ["phone_missing", ...SENDING_ERRORS],
  needsRedis: true,
  async handle({ actor, address, ctx, providers }) {
    const deliver = (message: { to: string; code: string }) => providers.sms.sendCode(message);
    const { userId, tokenHash } = actor;
    await sendPayCode(ctx, { userId, tokenHash, address, deliver });
    return done;
  },
});

export const verifyCode = endpoint({
  method: "post",
  path: "/wallet/pay/smscode/paypwdverity",
  summary: "验证码修改支付密码的短信验证码",
  description: "Does not use the code up; five wrong tries do.",
  body: z.object({ code: SmsCode }),
  data: Done,
  errors: ["phone_missing", "captcha_wrong", "tries_spent"],
  rate: perUser(30, "1 min"),
  needsRedis: true,
  async handle({ body, address, actor, ctx }) {
    const { userId, tokenHash } = actor;
    await checkPayCode(ctx, { userId, tokenHash, address, code: body.code });
    return done;
  },
});

export const setPassword = endpoint({
  method: "post",
  path: "/wallet/pay/password",
  summary: "设置支付密码",
  description: "The first or another, with the code that was sent; ends a lock.",
  body: z.object({ code: SmsCode, password: PayPassword }),
  data: Done,
  errors: ["pay_password_invalid", "phone_missing", "captcha_wrong", "tries_spent"],
  rate: perUser(30, "1 min"),
  needsRedis: true,
  async handle({ body, address, actor, ctx }) {
    const { userId, tokenHash } = actor;
    await setPayPassword(ctx, { ...body, userId, tokenHash, address });
    return done;
  },
});

export const takeToken = endpoint({
  method: "post",
  path: "/wallet/pay/token",
  summary: "获取支付token",
  description:
    "For one payment of exactly this amount within five minutes. Five wrong passwords lock the " +
    "wallet's payments for three hours.",
  body: z.object({
    amount: CentsIn,
    item: z.enum(["redpacket", "transfer", "withdraw", ""]).default("")
      .describe("What it is for; empty: a withdrawal"),
    password: PayPassword,
  }),
  data: z.object({ pay_token: HexId, passwordfree: z.literal(false) }),
  errors: [
    "amount_invalid",
    "balance_insufficient",
    "wallet_unusable",
    "pay_password_invalid",
    "pay_password_unset",
    "pay_password_wrong",
    "pay_password_locked",
  ],
  rate: perUser(30, "1 min"),
  async handle({ body, actor, ctx }) {
    const payToken = await issuePayToken(ctx, {
      userId: actor.userId,
      amount: body.amount,
      item: body.item || "withdraw",
      password: body.password,
    });
    return { pay_token: payToken, passwordfree: false as const };
  },
});
