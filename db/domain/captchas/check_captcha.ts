import type { Ctx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import { claimTry } from "../sessions/tries.ts";
import { type CodeGiven, codeGuess } from "./guess.ts";
import { captchaKeys } from "./send_captcha.ts";

/**
 * Leaves the code good. A try is counted before its answer is known, and given back to whoever was
 * right: wrong ones count together with those of `takeCaptcha`.
 * @throws {DomainError} `captcha_wrong`, whatever was wrong with it; `tries_spent`
 */
export async function checkCaptcha(ctx: Ctx, given: CodeGiven): Promise<void> {
  const claimed = await claimTry(ctx, codeGuess(given));
  const keys = captchaKeys(ctx, given.purpose, given.mobile);
  const foundCount = await ctx.redis.hexists(keys.code, keys.fieldOf(given.code));
  if (foundCount !== 1) throw new DomainError("captcha_wrong");
  await ctx.db.execute(claimed.giveBack);
}
