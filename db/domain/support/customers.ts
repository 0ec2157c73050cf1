import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { brokenConstraintOf } from "../../client/errors.ts";
import { CUSTOMER_UID_MIN } from "../../schema/users.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import {
  liveApp,
  livePartnerSession,
  newToken,
  openedSession,
  type SessionColumns,
  sessionColumns,
  TOKEN_RACE_COUNT_MAX,
  tokenBehind,
} from "../partners/client_tokens.ts";
import { mayLogIn } from "../sessions/session.ts";
import { insertPerson } from "../users/insert_person.ts";

export interface CustomerLogin {
  appId: number;
  /** The partner's own id of the customer; undefined: somebody new each time. */
  customerId: string | undefined;
  /** Absent: as it was. */
  name: string | undefined;
  avatar: string | undefined;
}

export interface Customer {
  token: string;
  /** The app's first desk. */
  storeId: number;
  /** The customer's number in the app. */
  appUid: number;
}

interface FoundRow extends SessionColumns {
  store_id: string | null;
  id: string | null;
  app_uid: string;
  status: number;
  /** Null for a customer who is known. */
  drawn_user_id: string | null;
}

/**
 * Lets a customer of an app in: the same person, by the same token, whenever the same id comes.
 *
 * @throws {DomainError} `app_missing` for an unknown or disabled app, and for one of the house,
 *   which has no customers; `store_missing` when it has no desk; `account_frozen`
 */
export async function logCustomerIn(ctx: Ctx, login: CustomerLogin): Promise<Customer> {
  const { appId } = login;
  for (let attempt = 1; attempt <= TOKEN_RACE_COUNT_MAX; attempt++) {
    const found = await findCustomer(ctx, login);
    if (!found) throw new DomainError("app_missing");
    if (found.store_id === null) throw new DomainError("store_missing");
    const storeId = Number(found.store_id);
    const userId = Number(found.id ?? found.drawn_user_id);
    if (found.id !== null && !mayLogIn(found.status)) throw new DomainError("account_frozen");
    const token = found.id === null
      ? await makeCustomer(ctx, { ...login, userId, sessionId: Number(found.drawn_session_id) })
      : await tokenBehind(ctx, { appId, userId, found });
    const appUid = found.id === null ? CUSTOMER_UID_MIN + userId : Number(found.app_uid);
    if (token !== undefined) return { token, storeId, appUid };
  }
  throw new DomainError("service_unavailable");
}

async function findCustomer(
  ctx: Ctx,
  { appId, customerId, name, avatar }: CustomerLogin,
): Promise<FoundRow | undefined> {
  const { rows } = await ctx.db.execute<FoundRow>(sql`
    with desk as (
      select apps.id as app_id,
        (select id from stores where app_id = apps.id order by id limit 1) as store_id
      from apps where id = ${appId} and disabled_at is null and not is_house
    ), known as (
      select users.id, users.app_uid, users.status from desk
      join customers on customers.app_id = desk.app_id and desk.store_id is not null
        and customers.customer_id = ${customerId ?? null}
      join users on users.id = customers.user_id
    ), renamed as (
      update users set updated_at = ${instant(ctx.now())},
        nickname = coalesce(${name ?? null}, nickname), avatar = coalesce(${avatar ?? null}, avatar)
      where id = (select id from known) and (nickname, avatar) is distinct from
        (coalesce(${name ?? null}, nickname), coalesce(${avatar ?? null}, avatar))
    )
    select desk.store_id::text, known.id::text, known.app_uid::text, known.status,
      case when known.id is null then nextval('users_id_seq')::text end as drawn_user_id,
      ${sessionColumns}
    from desk left join known on true
    left join sessions on sessions.user_id = known.id and ${livePartnerSession}`);
  return rows[0];
}

/** @returns the token; undefined when the same customer came at the same time, or the app went */
async function makeCustomer(
  ctx: Ctx,
  { appId, customerId, name, avatar, userId, sessionId }: CustomerLogin & {
    userId: number;
    sessionId: number;
  },
): Promise<string | undefined> {
  const now = instant(ctx.now());
  const { token, tokenHash } = newToken(ctx, sessionId);
  const source = sql`customer`;
  const person = insertPerson(ctx, {
    id: sql`${userId}::bigint`,
    app_id: sql`id`,
    app_uid: sql`${CUSTOMER_UID_MIN + userId}::bigint`,
    nickname: name ?? "",
    avatar: avatar ?? "",
    profile_at: now,
  }, sql`from app`);
  try {
    const { rows } = await ctx.db.execute(sql`
      with ${liveApp(appId)}, person as (
        ${person} returning id
      ), customer as (
        insert into customers (user_id, app_id, customer_id, created_at)
        select id, ${appId}, ${customerId ?? null}, ${now} from person
        returning user_id
      ), ${openedSession(ctx, { sessionId, tokenHash, source })}
      select id from opened`);
    return rows.length > 0 ? token : undefined;
  } catch (error) {
    if (brokenConstraintOf(error) === "customers_of_app") return undefined;
    throw error;
  }
}
