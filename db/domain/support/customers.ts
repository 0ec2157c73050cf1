import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { brokenConstraintOf } from "../../client/errors.ts";
import { CUSTOMER_UID_MIN } from "../../schema/users.ts";
import { instant, int4, int8, maybe, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import {
  liveApp,
  livePartnerSession,
  newToken,
  openedSession,
  selectedSession,
  sessionColumns,
  TOKEN_RACE_COUNT_MAX,
  tokenBehind,
} from "../partners/client_tokens.ts";
import { mayLogIn } from "../sessions/session.ts";
import { insertPerson } from "../users/insert_person.ts";

export interface CustomerLogin {
  appId: number;
  customerId: string | undefined;
  /** Absent: as it was. */
  name: string | undefined;
  avatar: string | undefined;
}

export interface Customer {
  token: string;
  storeId: number;
  appUid: number;
}

const columns = {
  ...sessionColumns,
  storeId: maybe(int8),
  knownId: maybe(int8),
  appUid: int8,
  status: int4,
  /** Undefined for a customer who is known. */
  drawnUserId: maybe(int8),
};

/**
 * Lets a customer of an app in: the same person, by the same token, whenever the same id comes.
 * @throws {DomainError} `app_missing` for an unknown or disabled app, and for one of the house,
 *   which has no customers; `store_missing` when it has no desk; `account_frozen`
 */
export async function logCustomerIn(ctx: Ctx, login: CustomerLogin): Promise<Customer> {
  const { appId } = login;
  for (let attempt = 1; attempt <= TOKEN_RACE_COUNT_MAX; attempt++) {
    const found = await findCustomer(ctx, login);
    if (!found) throw new DomainError("app_missing");
    const { storeId, knownId } = found;
    if (storeId === undefined) throw new DomainError("store_missing");
    const userId = knownId ?? found.drawnUserId!;
    const isNew = knownId === undefined;
    if (!isNew && !mayLogIn(found.status)) throw new DomainError("account_frozen");
    const token = isNew
      ? await makeCustomer(ctx, { ...login, userId, sessionId: found.drawnSessionId! })
      : await tokenBehind(ctx, { appId, userId, found });
    const appUid = isNew ? CUSTOMER_UID_MIN + userId : found.appUid;
    if (token !== undefined) return { token, storeId, appUid };
  }
  throw new DomainError("service_unavailable");
}

async function findCustomer(ctx: Ctx, { appId, customerId, name, avatar }: CustomerLogin) {
  const statement = sql`
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
    select desk.store_id, known.id as known_id, known.app_uid, known.status,
      case when known.id is null then nextval('users_id_seq') end as drawn_user_id,
      ${selectedSession}
    from desk left join known on true
    left join sessions on sessions.user_id = known.id and ${livePartnerSession}`;
  return (await rows(ctx, statement, columns)).at(0);
}

/** @returns the token; undefined when the same customer came at the same time, or the app went */
async function makeCustomer(
  ctx: Ctx,
  { appId, customerId, name, avatar, userId, sessionId }: CustomerLogin & {
    userId: number;
    sessionId: number;
  },
): Promise<string | undefined> {
  const at = ctx.now();
  const now = instant(at);
  const { token, tokenHash } = newToken(ctx, sessionId);
  const source = sql`customer`;
  const person = insertPerson(at, {
    id: sql`${userId}::bigint`,
    app_id: sql`id`,
    app_uid: sql`${CUSTOMER_UID_MIN + userId}::bigint`,
    nickname: name ?? "",
    avatar: avatar ?? "",
    profile_at: now,
  }, sql`from app`);
  try {
    const { rows: opened } = await ctx.db.execute(sql`
      with ${liveApp(appId)}, person as (
        ${person} returning id
      ), customer as (
        insert into customers (user_id, app_id, customer_id, created_at)
        select id, ${appId}, ${customerId ?? null}, ${now} from person
        returning user_id
      ), ${openedSession(at, { sessionId, tokenHash, source })}
      select id from opened`);
    return opened.length > 0 ? token : undefined;
  } catch (error) {
    if (brokenConstraintOf(error) === "customers_of_app") return undefined;
    throw error;
  }
}
