import { sql } from "drizzle-orm";
import { sha256Hex } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { devices } from "../../schema/sessions.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import {
  type ClientApp,
  type Device,
  type LoggedIn,
  openSession,
} from "../sessions/open_session.ts";
import { mayLogIn } from "../sessions/session.ts";
import { maskPhone } from "../users/rules.ts";
import { type ChatLogin, type ChatPerson, findByUsername } from "./account.ts";
import { isPassword } from "./password.ts";
import { keepPendingDevice } from "./pending_device.ts";
import { LOGIN_COUNT_MAX, LOGIN_WINDOW_MS } from "./rules.ts";

export interface LogInInput {
  username: string;
  password: string;
  kind: number;
  client: ClientApp;
  device: Device | undefined;
}

/**
 * Logs in by name and password. With the device lock on, a device the person has never logged in
 * from has to prove the phone first, and is kept for that.
 * @throws {DomainError} `login_wrong` for an unknown name as for a wrong password, and in the same
 *   time; `rate_exceeded`, `account_frozen`, `account_missing`, `device_missing`,
 *   `device_check_needed` (fields: uid, phone)
 */
export async function logInByPassword(ctx: Ctx, input: LogInInput): Promise<ChatLogin> {
  await countLogin(ctx, input.username);
  const person = await findByUsername(ctx, input.username);
  const isRight = await isPassword(input.password, person?.account.password ?? null);
  if (!person || !isRight) throw new DomainError("login_wrong");
  // Without a phone there is nothing to prove; openSession says why other accounts are refused.
  if (person.account.deviceLock && person.mobile && mayLogIn(person.status)) {
    await checkDevice(ctx, person, input);
  }
  return { session: await openSessionFor(ctx, { ...input, userId: person.userId }), person };
}

export async function openSessionFor(
  ctx: Ctx,
  { userId, kind, client, device }: {
    userId: number;
    kind: number;
    client: ClientApp;
    device?: Device | undefined;
  },
): Promise<LoggedIn> {
  const person = (at: Date) =>
    sql`person as (
      update users set last_login_at = ${instant(at)} where id = ${userId}
      returning id, uid, status, false as registered
    )`;
  const session = await openSession(ctx, { person, kind, client, device });
  if (!session) throw new DomainError("account_missing");
  return session;
}

/** Guessing is limited by name, wherever the guesses come from. */
async function countLogin(ctx: Ctx, username: string): Promise<void> {
  const window = Math.floor(ctx.now().getTime() / LOGIN_WINDOW_MS);
  const key = `chat_login:${sha256Hex(username)}:${window}`;
  const [count] = await ctx.redis.pipeline().incr(key).pexpire(key, LOGIN_WINDOW_MS)
    .exec<[number, number]>();
  if (count > LOGIN_COUNT_MAX) {
    throw new DomainError("rate_exceeded", { retryAfterSeconds: LOGIN_WINDOW_MS / 1000 });
  }
}

async function checkDevice(
  ctx: Ctx,
  { userId, uid, mobile }: ChatPerson,
  { device, kind }: LogInInput,
): Promise<void> {
  if (!device) throw new DomainError("device_missing");
  const { rows: [known] } = await ctx.db.execute(sql`
    select 1 from ${devices} where user_id = ${userId} and device_id = ${device.deviceId}`);
  if (known) return;
  await keepPendingDevice(ctx, { userId, device, kind });
  throw new DomainError("device_check_needed", { fields: { uid, phone: maskPhone(mobile!) } });
}
