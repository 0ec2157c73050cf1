import type { Ctx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import {
  CAPTCHA_LIFE_MS,
  CAPTCHA_TRY_COUNT_MAX,
  type CaptchaPurpose,
  type Mobile,
} from "./rules.ts";
import { captchaKeys } from "./send_captcha.ts";

/**
 * Uses a code up. The code names the field that is deleted, so comparing and using it is one
 * command: of many callers with the right code one gets through, and of any number of guesses only
 * the first five count.
 * @throws {DomainError} `captcha_wrong`, whatever was wrong with it
 */
export async function takeCaptcha(
  ctx: Ctx,
  { purpose, mobile, code }: { purpose: CaptchaPurpose; mobile: Mobile; code: string },
): Promise<void> {
  const keys = captchaKeys(ctx, purpose, mobile);
  await tryCode(ctx, keys, (pipeline) => pipeline.hdel(keys.code, keys.fieldOf(code)));
}

type Pipeline = ReturnType<Ctx["redis"]["pipeline"]>;

/** Counts a try, and refuses it unless it is one of the first and `look` finds the code. */
export async function tryCode(
  ctx: Ctx,
  keys: ReturnType<typeof captchaKeys>,
  look: (pipeline: Pipeline) => unknown,
): Promise<void> {
  const pipeline = ctx.redis.pipeline().incr(keys.tries).pexpire(keys.tries, CAPTCHA_LIFE_MS);
  look(pipeline);
  const [tryCount, , found] = await pipeline.exec<[number, number, number]>();
  if (tryCount > CAPTCHA_TRY_COUNT_MAX || found !== 1) throw new DomainError("captcha_wrong");
}
