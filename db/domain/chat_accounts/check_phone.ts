import { eq } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { users } from "../../schema/users.ts";
import { sendCaptcha, type SendCaptchaInput } from "../captchas/send_captcha.ts";
import { takeCaptcha } from "../captchas/take_captcha.ts";
import { DomainError } from "../errors.ts";
import type { Caller } from "../sessions/known_caller.ts";
import type { ClientApp } from "../sessions/open_session.ts";
import { readMobile } from "../users/read_mobile.ts";
import { type ChatLogin, readChatPerson } from "./account.ts";
import { openSessionFor } from "./log_in.ts";
import { readPendingDevice, takePendingDevice } from "./pending_device.ts";

/**
 * Sends the code a new device proves the phone with. Only after a right password: nobody else can
 * make us send to a stranger's phone.
 * @throws {DomainError} `user_missing`, `device_missing`, and those of `sendCaptcha`
 */
export async function sendDeviceCode(
  ctx: Ctx,
  { uid, ...input }: { uid: string } & Caller & Pick<SendCaptchaInput, "deliver">,
): Promise<void> {
  const { userId, mobile } = await findPhone(ctx, uid);
  if (!await readPendingDevice(ctx, userId)) throw new DomainError("device_missing");
  await sendCaptcha(ctx, { ...input, purpose: "login_check", mobile });
}

/**
 * Finishes the login that waits for this proof; the device is known from then on. Where none waits
 * nothing is counted.
 * @throws {DomainError} `user_missing`, `device_missing`, `captcha_wrong`, `tries_spent`,
 *   `account_frozen`, `account_missing`
 */
export async function checkPhone(
  ctx: Ctx,
  { uid, code, client, tokenHash }: {
    uid: string;
    code: string;
    client: ClientApp;
    tokenHash?: string | undefined;
  },
): Promise<ChatLogin> {
  const { userId, mobile } = await findPhone(ctx, uid);
  if (!await readPendingDevice(ctx, userId)) throw new DomainError("device_missing");
  const { address } = client;
  const proof = await takeCaptcha(ctx, {
    purpose: "login_check",
    mobile,
    code,
    address,
    tokenHash,
  });
  const pending = await takePendingDevice(ctx, userId);
  if (!pending) throw new DomainError("device_missing");
  const session = await openSessionFor(ctx, { userId, client, ...pending, proof });
  return { session, person: await readChatPerson(ctx, userId) };
}

async function findPhone(ctx: Ctx, uid: string) {
  const found = await readMobile(ctx, eq(users.uid, uid));
  if (!found) throw new DomainError("user_missing");
  return found;
}
