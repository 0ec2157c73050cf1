import type { Ctx } from "../../client/ctx.ts";
import { CAPTCHA_LIFE_MS, type CaptchaPurpose, type Mobile } from "./rules.ts";
import { captchaKeys } from "./send_captcha.ts";
import { tryCode } from "./take_captcha.ts";

/**
 * Leaves the code good. A try is counted before its answer is known, and given back to whoever was
 * right: wrong ones count together with those of `takeCaptcha`.
 * @throws {DomainError} `captcha_wrong`, whatever was wrong with it
 */
export async function checkCaptcha(
  ctx: Ctx,
  { purpose, mobile, code }: { purpose: CaptchaPurpose; mobile: Mobile; code: string },
): Promise<void> {
  const keys = captchaKeys(ctx, purpose, mobile);
  await tryCode(ctx, keys, (pipeline) => pipeline.hexists(keys.code, keys.fieldOf(code)));
  await ctx.redis.pipeline()
    .decr(keys.tries)
    .pexpire(keys.tries, CAPTCHA_LIFE_MS)
    .exec();
}
