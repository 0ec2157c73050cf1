import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { SessionKind } from "../../schema/sessions.ts";
import { instant } from "../../sql.ts";
import type { Mobile } from "../captchas/rules.ts";
import { type ClientApp, type LoggedIn, openSession } from "../sessions/open_session.ts";
import type { Try } from "../sessions/tries.ts";
import { insertPerson, mobileColumns, onKnownMobile } from "./insert_person.ts";

/**
 * Logs the owner of a number in, who has just proven to hold it, and makes the account if there is
 * none. See {@link openSession} for what becomes of sessions before.
 * @throws {DomainError} `account_frozen` for a disabled account, `account_missing` for a deleted one
 */
export async function logInByMobile(
  ctx: Ctx,
  { mobile, client, proof }: { mobile: Mobile; client: ClientApp; proof?: Try | undefined },
): Promise<LoggedIn> {
  const person = (at: Date) =>
    sql`person as (
      ${insertPerson(at, { ...mobileColumns(mobile), last_login_at: instant(at) })}
      ${onKnownMobile} set last_login_at = excluded.last_login_at
      returning id, uid, status, xmax = 0 as registered
    )`;
  const kind = client.clientType === 0 ? SessionKind.web : SessionKind.app;
  return (await openSession(ctx, { person, kind, client, proof }))!;
}
