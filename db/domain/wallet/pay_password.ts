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
import { readMobile } from "../users/read_mobile.ts";
import { checkPayPassword } from "./rules.ts";

const purpose = "pay_password";

/** @throws {DomainError} `phone_missing`, `captcha_too_soon`, `captcha_spent`, `sms_failed` */
export async function sendPayCode(
  ctx: Ctx,
  { userId, address, deliver }:
    & { userId: number }
    & Pick<SendCaptchaInput, "address" | "deliver">,
): Promise<void> {
  const mobile = await readOwnMobile(ctx, userId);
  await sendCaptcha(ctx, { purpose, mobile, address, deliver });
}

/**
 * The code stays good for setting the password.
 * @throws {DomainError} `phone_missing`, `captcha_wrong`
 */
export async function checkPayCode(
  ctx: Ctx,
  { userId, code }: { userId: number; code: string },
): Promise<void> {
  await checkCaptcha(ctx, { purpose, mobile: await readOwnMobile(ctx, userId), code });
}

/**
 * Ends any lock, too; the code is used up.
 * @throws {DomainError} `pay_password_invalid` (the code stays good), `phone_missing`,
 *   `captcha_wrong`, `service_unavailable` when too many passwords are being hashed
 */
export async function setPayPassword(
  ctx: Ctx,
  { userId, code, password }: { userId: number; code: string; password: string },
): Promise<void> {
  checkPayPassword(password);
  await takeCaptcha(ctx, { purpose, mobile: await readOwnMobile(ctx, userId), code });
  const set = {
    payPasswordHash: await hashPassword(password),
    payTryCount: 0,
    payLockedUntil: null,
  };
  await ctx.db.insert(wallets).values({ userId, ...set, createdAt: ctx.now() })
    .onConflictDoUpdate({ target: wallets.userId, set });
}

async function readOwnMobile(ctx: Ctx, userId: number): Promise<Mobile> {
  const found = await readMobile(ctx, eq(users.id, userId));
  if (!found) throw new DomainError("phone_missing");
  return found.mobile;
}
