import { eq } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { users } from "../../schema/users.ts";
import { wallets } from "../../schema/wallets.ts";
import { checkCaptcha } from "../captchas/check_captcha.ts";
import type { Mobile } from "../captchas/rules.ts";
import { sendCaptcha, type SendCaptchaInput } from "../captchas/send_captcha.ts";
import { takeCaptcha } from "../captchas/take_captcha.ts";
import { hashPassword } from "../chat_accounts/password.ts";
import { DomainError } from "../errors.ts";
import type { Caller } from "../sessions/known_caller.ts";
import { readMobile } from "../users/read_mobile.ts";
import { checkPayPassword } from "./rules.ts";

const purpose = "pay_password";

/** @throws {DomainError} `phone_missing`, and those of `sendCaptcha` */
export async function sendPayCode(
  ctx: Ctx,
  { userId, ...input }: { userId: number } & Caller & Pick<SendCaptchaInput, "deliver">,
): Promise<void> {
  const mobile = await readOwnMobile(ctx, userId);
  await sendCaptcha(ctx, { ...input, purpose, mobile });
}

/**
 * The code stays good for setting the password.
 * @throws {DomainError} `phone_missing`, `captcha_wrong`, `tries_spent`
 */
export async function checkPayCode(
  ctx: Ctx,
  { userId, ...given }: { userId: number; code: string } & Caller,
): Promise<void> {
  await checkCaptcha(ctx, { ...given, purpose, mobile: await readOwnMobile(ctx, userId) });
}

/**
 * Ends any lock, too; the code is used up.
 * @throws {DomainError} `pay_password_invalid` (the code stays good), `phone_missing`,
 *   `captcha_wrong`, `tries_spent`, `service_unavailable` when too many passwords are being hashed
 */
export async function setPayPassword(
  ctx: Ctx,
  { userId, password, ...given }: { userId: number; code: string; password: string } & Caller,
): Promise<void> {
  checkPayPassword(password);
  const mobile = await readOwnMobile(ctx, userId);
  const { giveBack } = await takeCaptcha(ctx, { ...given, purpose, mobile });
  const set = {
    payPasswordHash: await hashPassword(password, { userId }),
    payTryCount: 0,
    payLockedUntil: null,
  };
  await ctx.db.with(ctx.db.$with("given_back", {}).as(giveBack)).insert(wallets).values({
    userId,
    ...set,
    createdAt: ctx.now(),
  })
    .onConflictDoUpdate({ target: wallets.userId, set });
}

async function readOwnMobile(ctx: Ctx, userId: number): Promise<Mobile> {
  const found = await readMobile(ctx, eq(users.id, userId));
  if (!found) throw new DomainError("phone_missing");
  return found.mobile;
}
