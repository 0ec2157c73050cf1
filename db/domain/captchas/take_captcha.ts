import type { Ctx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import { claimTry, type Try } from "../sessions/tries.ts";
import { type CodeGiven, codeGuess } from "./guess.ts";
import { captchaKeys } from "./send_captcha.ts";

/**
 * Uses a code up. The try is counted first, and whoever has none left does not touch the code. The
 * code names the field that is deleted, so comparing and using it is one command: of many callers
 * with the right code one gets through.
 * @returns the try, which the caller gives back with what it does next
 * @throws {DomainError} `captcha_wrong`, whatever was wrong with it; `tries_spent`
 */
export async function takeCaptcha(ctx: Ctx, given: CodeGiven): Promise<Try> {
  const claimed = await claimTry(ctx, codeGuess(given));
  const keys = captchaKeys(ctx, given.purpose, given.mobile);
  const takenCount = await ctx.redis.hdel(keys.code, keys.fieldOf(given.code));
  if (takenCount !== 1) throw new DomainError("captcha_wrong");
  return claimed;
}
