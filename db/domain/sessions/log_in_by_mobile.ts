import { sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { SessionKind } from "../../schema/sessions.ts";
import { instant } from "../../sql.ts";
import type { Mobile } from "../captchas/rules.ts";
import { type Client, type LoggedIn, openSession } from "./open_session.ts";

/**
 * Logs the owner of a number in, who has just proven to hold it, and makes the account if there is
 * none. See {@link openSession} for what becomes of sessions before.
 *
 * @throws {DomainError} `account_frozen` for a disabled account, `account_missing` for a deleted one
 */
export async function logInByMobile(
  ctx: Ctx,
  { mobile, client }: { mobile: Mobile; client: Client },
): Promise<LoggedIn> {
  const now = instant(ctx.now());
  const person = sql`person as (
      insert into users
        (id, uid, app_uid, country_code, mobile, created_at, updated_at, last_login_at)
      values (nextval('users_id_seq'), ${randomHex32()}, currval('users_id_seq'),
        ${mobile.countryCode}, ${mobile.number}, ${now}, ${now}, ${now})
      on conflict (country_code, mobile) where app_id = 0
        do update set last_login_at = excluded.last_login_at
      returning id, uid, status, xmax = 0 as registered
    )`;
  const kind = client.clientType === 0 ? SessionKind.web : SessionKind.app;
  return (await openSession(ctx, { person, kind, client }))!;
}
