import { sql } from "drizzle-orm";
import { brokenConstraintOf, type Ctx } from "../../client.ts";
import { randomHex32 } from "../../keys.ts";
import { SessionKind } from "../../schema/sessions.ts";
import { UserStatus } from "../../schema/users.ts";
import type { Mobile } from "../captchas/rules.ts";
import { DomainError } from "../errors.ts";
import { accessSecretsOf, hashToken } from "./access_secret.ts";
import { SESSION_LIFE_MS } from "./session.ts";
import { endSessionsInCache } from "./session_cache.ts";

/** What a client says of itself in its headers. */
export interface Client {
  /** 0 web, 1 iOS, 2 Android. */
  clientType: number | undefined;
  versionName: string | undefined;
  versionCode: number | undefined;
  address: string;
}

export interface LoggedIn {
  uid: string;
  /** Shown once; only its hash is kept. */
  token: string;
  accessSecret: string;
  expiresAt: Date;
  /** Whether this login made the account. */
  registered: boolean;
}

/** How often a login that met another one of the same person is tried again. */
const LOGIN_RACE_COUNT_MAX = 5;

/**
 * Logs the owner of a number in, who has just proven to hold it, and makes the account if there is
 * none. Of one person's sessions of one kind (app, web) the newest lives; the others end at once.
 *
 * @throws {DomainError} `account_frozen` for a disabled account, `account_missing` for a deleted one
 */
export async function logInByMobile(
  ctx: Ctx,
  { mobile, client }: { mobile: Mobile; client: Client },
): Promise<LoggedIn> {
  const token = randomHex32();
  const expiresAt = new Date(ctx.now().getTime() + SESSION_LIFE_MS);
  const row = await openSession(ctx, mobile, client, { tokenHash: hashToken(token), expiresAt });
  if (row.status === UserStatus.deleted) throw new DomainError("account_missing");
  if (row.status === UserStatus.disabled) throw new DomainError("account_frozen");
  await endSessionsInCache(ctx.redis, row.ended);
  return {
    uid: row.uid,
    token,
    accessSecret: accessSecretsOf(ctx.config.keys, row.uid, token)[0]!,
    expiresAt,
    registered: row.registered,
  };
}

interface OpenedRow extends Record<string, unknown> {
  uid: string;
  status: number;
  registered: boolean;
  /** Token hashes of the sessions this one replaces. */
  ended: string[];
}

/** Account, end of the session before and the new one in one statement. */
async function openSession(
  ctx: Ctx,
  mobile: Mobile,
  client: Client,
  session: { tokenHash: string; expiresAt: Date },
): Promise<OpenedRow> {
  const now = sql`${ctx.now().toISOString()}::timestamptz`;
  const kind = client.clientType === 0 ? SessionKind.web : SessionKind.app;
  const mayLogIn = sql`status in (${UserStatus.active}, ${UserStatus.inReview})`;
  const statement = sql`
    with person as (
      insert into users
        (id, uid, app_uid, country_code, mobile, created_at, updated_at, last_login_at)
      values (nextval('users_id_seq'), ${randomHex32()}, currval('users_id_seq'),
        ${mobile.countryCode}, ${mobile.number}, ${now}, ${now}, ${now})
      on conflict (country_code, mobile) where app_id = 0
        do update set last_login_at = excluded.last_login_at
      returning id, uid, status, xmax = 0 as registered
    ), ended as (
      update sessions set revoked_at = ${now}
      where user_id = (select id from person where ${mayLogIn}) and kind = ${kind}
        and revoked_at is null
      returning token_hash
    ), opened as (
      insert into sessions (token_hash, user_id, kind, client_type, version_name, version_code,
        address, created_at, expires_at)
      select ${session.tokenHash}, id, ${kind}, ${client.clientType ?? null},
        ${client.versionName ?? null}, ${
    client.versionCode ?? null
  }::integer, ${client.address}, ${now},
        ${session.expiresAt.toISOString()}::timestamptz
      -- Reading "ended" here makes the old session's row go before the new one comes.
      from person where ${mayLogIn} and (select count(*) from ended) >= 0
    )
    select uid, status, registered, array(select token_hash from ended) as ended from person`;
  for (let attempt = 1;; attempt++) {
    try {
      return (await ctx.db.execute<OpenedRow>(statement)).rows[0]!;
    } catch (error) {
      // Two logins of one person at once: the later one runs again and ends the earlier one.
      const raceLost = brokenConstraintOf(error) === "sessions_live";
      if (!raceLost || attempt === LOGIN_RACE_COUNT_MAX) throw error;
    }
  }
}
