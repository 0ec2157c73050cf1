import { randomInt } from "node:crypto";
import { hmacHex } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import { type AskedSend, claimSend, returnSend } from "./claim_send.ts";
import {
  CAPTCHA_LIFE_MS,
  type CaptchaPurpose,
  codeOf,
  COUNTRIES_BY_DEFAULT,
  isServed,
  type Mobile,
} from "./rules.ts";

export interface SendCaptchaInput extends AskedSend {
  /** Hands the code to the carrier; `to` is country code and number, digits only. */
  deliver(message: { to: string; code: string }): Promise<void>;
}

/**
 * Sends a fresh code to a number. The one before is void from then on. Nothing here tells whether
 * the number has an account, neither by the answer nor by its time.
 * @throws {DomainError} `country_not_served`, `captcha_too_soon`, `captcha_spent`,
 *   `captcha_unavailable` when too many have been sent to everybody together, `sms_failed` (nothing
 *   was sent and the send does not count)
 */
export async function sendCaptcha(ctx: Ctx, input: SendCaptchaInput): Promise<void> {
  const { purpose, mobile, deliver } = input;
  if (!isServed(mobile, servedCountries(ctx))) throw new DomainError("country_not_served");
  const send = await claimSend(ctx, input);
  const code = codeOf(randomInt(1_000_000));
  try {
    await keepCode(ctx, purpose, mobile, code);
    await deliver({ to: mobile.countryCode + mobile.number, code });
  } catch (cause) {
    await returnSend(ctx, mobile, send);
    throw new DomainError("sms_failed", { cause });
  }
}

export function servedCountries({ config }: Pick<Ctx, "config">): readonly string[] | undefined {
  return config.smsCountries ?? (config.env === "production" ? COUNTRIES_BY_DEFAULT : undefined);
}

export function captchaKeys(ctx: Ctx, purpose: CaptchaPurpose, { countryCode, number }: Mobile) {
  const name = `captcha:${purpose}:${countryCode}:${number}`;
  return {
    code: name,
    /** The field of the code's hash: the code itself is never in Redis. */
    fieldOf: (code: string) => hmacHex(ctx.config.keys.captcha, `${name}:${code}`),
  };
}

async function keepCode(ctx: Ctx, purpose: CaptchaPurpose, mobile: Mobile, code: string) {
  const keys = captchaKeys(ctx, purpose, mobile);
  await ctx.redis.multi()
    .del(keys.code)
    .hset(keys.code, { [keys.fieldOf(code)]: "1" })
    .pexpire(keys.code, CAPTCHA_LIFE_MS)
    .exec();
}
