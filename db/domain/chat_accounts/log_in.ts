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
import type { Caller } from "../sessions/known_caller.ts";
import type { Guess, Try } from "../sessions/tries.ts";
import { loginNameOf } from "../users/mobile_text.ts";
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
  /** SHA-256 of a session's token that came along. */
  tokenHash?: string | undefined;
}

/**
 * Logs in by name and password. With the device lock on, a device the person has never logged in
 * from has to prove the phone first, and is kept for that.
 * @throws {DomainError} `login_wrong` for an unknown name as for a wrong password, and in the same
 *   time; `tries_spent`, `account_frozen`, `account_missing`, `device_missing`,
 *   `device_check_needed` (fields: uid, phone)
 */
export async function logInByPassword(ctx: Ctx, input: LogInInput): Promise<ChatLogin> {
  const username = loginNameOf(input.username);
  const { address } = input.client;
  const caller = { address, deviceId: input.device?.deviceId, tokenHash: input.tokenHash };
  const { person, proof } = await findByUsername(ctx, username, passwordGuess(username, caller));
  const isRight = await isPassword(input.password, person?.account.password ?? null, { address });
  if (!person || !isRight) throw new DomainError("login_wrong");
  // Without a phone there is nothing to prove; openSession says why other accounts are refused.
  if (person.account.deviceLock && person.mobile && mayLogIn(person.status)) {
    await checkDevice(ctx, person, { ...input, proof });
  }
  return { session: await openSessionFor(ctx, { ...input, userId: person.userId, proof }), person };
}

/** The name as a hash: whoever guesses names it, at any length. */
function passwordGuess(username: string, caller: Caller): Guess {
  const subject = `password:${sha256Hex(username)}`;
  return {
    subject,
    target: subject,
    countMax: LOGIN_COUNT_MAX,
    windowMs: LOGIN_WINDOW_MS,
    caller,
    person: sql`(select user_id from chat_accounts where username = ${username})`,
  };
}

export async function openSessionFor(
  ctx: Ctx,
  { userId, kind, client, device, proof }: {
    userId: number;
    kind: number;
    client: ClientApp;
    device?: Device | undefined;
    proof?: Try | undefined;
  },
): Promise<LoggedIn> {
  const person = (at: Date) =>
    sql`person as (
      update users set last_login_at = ${instant(at)} where id = ${userId}
      returning id, uid, status, false as registered
    )`;
  const session = await openSession(ctx, { person, kind, client, device, proof });
  if (!session) throw new DomainError("account_missing");
  return session;
}

async function checkDevice(
  ctx: Ctx,
  { userId, uid, mobile }: ChatPerson,
  { device, kind, proof }: LogInInput & { proof: Try },
): Promise<void> {
  const { rows: [known] } = await ctx.db.execute(sql`
    select 1 from ${devices} where user_id = ${userId} and device_id = ${device?.deviceId ?? ""}`);
  if (known) return;
  await ctx.db.execute(proof.giveBack);
  if (!device) throw new DomainError("device_missing");
  await keepPendingDevice(ctx, { userId, device, kind });
  throw new DomainError("device_check_needed", { fields: { uid, phone: maskPhone(mobile!) } });
}
