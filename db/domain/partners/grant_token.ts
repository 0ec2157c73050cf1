import { sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { Ctx } from "../../client/ctx.ts";
import { bool, int4, int8, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { mayLogIn } from "../sessions/session.ts";
import { namedPeople, unknownPerson } from "../users/ensure_people.ts";
import {
  livePartnerSession,
  selectedSession,
  sessionColumns,
  TOKEN_RACE_COUNT_MAX,
  tokenBehind,
} from "./client_tokens.ts";

export interface Grant {
  appId: number;
  tenantId: number;
  appUid: LongInteger;
  /** Absent: as it was. */
  name: string | undefined;
}

/**
 * The token of one of an app's people, good until it is revoked: the same one however often it is
 * granted, and at the same time too. The house's people must exist; others are made.
 * @throws {DomainError} `user_missing` when the house has nobody of that number, `account_frozen`,
 *   `session_invalid` when the app has just been disabled
 */
export async function grantToken(ctx: Ctx, grant: Grant): Promise<string> {
  for (let attempt = 1; attempt <= TOKEN_RACE_COUNT_MAX; attempt++) {
    const person = await findPerson(ctx, grant);
    if (!person) throw unknownPerson(grant.tenantId, [grant.appUid]);
    if (!person.isLive) throw new DomainError("session_invalid");
    if (!mayLogIn(person.status)) throw new DomainError("account_frozen");
    const { userId } = person;
    const token = await tokenBehind(ctx, { appId: grant.appId, userId, found: person });
    if (token !== undefined) return token;
  }
  throw new DomainError("service_unavailable");
}

async function findPerson(ctx: Ctx, { appId, tenantId, appUid, name }: Grant) {
  const statement = sql`
    with ${namedPeople(ctx.now(), { tenantId, people: [{ appUid, name }] })}
    select people.id as user_id, people.status, ${selectedSession},
      exists (select from apps where id = ${appId} and disabled_at is null) as is_live
    from people left join sessions on sessions.user_id = people.id and ${livePartnerSession}`;
  const columns = { ...sessionColumns, userId: int8, status: int4, isLive: bool };
  return (await rows(ctx, statement, columns)).at(0);
}
