import { and, eq, isNotNull, type SQL, sql } from "drizzle-orm";
import { randomInt } from "node:crypto";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { brokenConstraintOf, retry } from "../../client/errors.ts";
import { chatAccounts } from "../../schema/chat.ts";
import { instant, int8, rows } from "../../sql.ts";
import type { Mobile } from "../captchas/rules.ts";
import { takeCaptcha } from "../captchas/take_captcha.ts";
import { DomainError } from "../errors.ts";
import { welcome } from "../friends/welcome.ts";
import { wake } from "../messages/send.ts";
import type { ClientApp, Device } from "../sessions/open_session.ts";
import type { Try } from "../sessions/tries.ts";
import {
  insertPerson,
  mobileColumns,
  type NewPerson,
  onKnownMobile,
} from "../users/insert_person.ts";
import { usernameOf } from "../users/rules.ts";
import { type ChatLogin, DRAW_COUNT_MAX, drawnShortNo, readChatPerson } from "./account.ts";
import { openSessionFor } from "./log_in.ts";
import { hashPassword } from "./password.ts";
import { checkPassword, nicknameOf, USERNAME } from "./rules.ts";

interface Registration {
  password: string;
  /** Empty: one is made up. */
  name: string;
  kind: number;
  client: ClientApp;
  device: Device | undefined;
  /** SHA-256 of a session's token that came along. */
  tokenHash?: string | undefined;
}

/** Whether a number has a password in the chat app: what registering it again would refuse. */
export async function isRegistered(ctx: Ctx, mobile: Mobile): Promise<boolean> {
  const rows = await ctx.db.select({ userId: chatAccounts.userId }).from(chatAccounts)
    .where(and(eq(chatAccounts.username, usernameOf(mobile)), isNotNull(chatAccounts.password)))
    .limit(1);
  return rows.length > 0;
}

/**
 * Registers whoever holds this number and logs them in. Somebody the house already knows by it,
 * who has no password yet, is given this one and stays the same person.
 * @throws {DomainError} `captcha_wrong`, `tries_spent`, `account_exists`, `password_invalid`,
 *   `account_frozen`, `account_missing`, `service_unavailable` when too many passwords are hashed
 */
export async function registerByMobile(
  ctx: Ctx,
  input: Registration & { mobile: Mobile; code: string },
): Promise<ChatLogin> {
  const { mobile } = input;
  checkPassword(input.password);
  const { code, tokenHash, client: { address }, device } = input;
  const given = { purpose: "register", mobile, code, address, tokenHash } as const;
  const proof = await takeCaptcha(ctx, { ...given, deviceId: device?.deviceId });
  const at = ctx.now();
  const user = sql`
    ${insertPerson(at, { ...newcomer(at, input), ...mobileColumns(mobile) })}
    ${onKnownMobile}
      set last_login_at = excluded.last_login_at,
        nickname = case when users.profile_at is null then excluded.nickname
          else users.nickname end,
        profile_at = coalesce(users.profile_at, excluded.profile_at)
    returning id`;
  return await register(ctx, { ...input, proof }, user, usernameOf(mobile));
}

/**
 * @throws {DomainError} `registration_closed`, `params_invalid`, `username_taken`,
 *   `password_invalid`
 */
export async function registerByUsername(
  ctx: Ctx,
  input: Registration & { username: string },
): Promise<ChatLogin> {
  if (!ctx.config.chatUsernameRegistration) throw new DomainError("registration_closed");
  if (!USERNAME.test(input.username)) {
    throw new DomainError("params_invalid", { message: "用户名须以字母开头，4至32位" });
  }
  const at = ctx.now();
  const user = sql`${insertPerson(at, newcomer(at, input))} returning id`;
  try {
    return await register(ctx, input, user, input.username);
  } catch (error) {
    if (brokenConstraintOf(error) !== "chat_accounts_username_unique") throw error;
    throw new DomainError("username_taken");
  }
}

function newcomer(at: Date, { name }: Registration): NewPerson {
  const now = instant(at);
  const nickname = name || nicknameOf(randomInt(1_000_000));
  return { nickname, profile_at: now, last_login_at: now };
}

async function register(
  ctx: Ctx,
  { password, kind, client, device, proof }: Registration & { proof?: Try },
  user: SQL,
  username: string,
): Promise<ChatLogin> {
  const account = { user, username, password: await hashPassword(password, client) };
  const { userId, said } = await makeAccount(ctx, account);
  wake(ctx, said);
  // Behind the commit, as it ends sessions in other processes. Whom it fails has a password by now.
  const session = await openSessionFor(ctx, { userId, kind, client, device, proof });
  return { session, person: await readChatPerson(ctx, userId) };
}

/** Person, account, first friends and first message: none is left behind without the others. */
async function makeAccount(
  ctx: Ctx,
  { user, username, password }: { user: SQL; username: string; password: string },
) {
  const statement = sql`
    with registering as (${user})
    insert into chat_accounts (user_id, username, password, short_no)
    select id, ${username}, ${password}, ${drawnShortNo} from registering
    on conflict (user_id) do update set password = excluded.password
      where chat_accounts.password is null
    returning user_id`;
  const make = () =>
    withTx(ctx, async (tx) => {
      const [made] = await rows(tx, statement, { userId: int8 });
      if (!made) throw new DomainError("account_exists");
      return { ...made, said: await welcome(tx, made.userId) };
    });
  return await retry(make, {
    isLost: (error) => brokenConstraintOf(error) === "chat_accounts_shortNo_unique",
    countMax: DRAW_COUNT_MAX,
  });
}
