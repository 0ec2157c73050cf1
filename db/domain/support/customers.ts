import { sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { Ctx } from "../../client/ctx.ts";
import { brokenConstraintOf } from "../../client/errors.ts";
import { CUSTOMER_UID_MIN } from "../../schema/users.ts";
import {
  bool,
  instant,
  int4,
  int8,
  long,
  maybe,
  nullable,
  type Row,
  rows,
  text,
  typed,
} from "../../sql.ts";
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
import { isSigned } from "../partners/credentials.ts";
import type { CustomerProof } from "../partners/rules.ts";
import { hashToken } from "../sessions/access_secret.ts";
import { mayLogIn } from "../sessions/session.ts";
import { insertPerson } from "../users/insert_person.ts";
import { firstDevice, hashDevice, settleCustomer } from "./customer_devices.ts";
import { type Admittance, judgeCustomer, proofOf } from "./customer_rules.ts";

export interface CustomerLogin {
  appId: number;
  customerId: string | undefined;
  /** Absent: as it was. */
  name: string | undefined;
  avatar: string | undefined;
  deviceId: string | undefined;
  proofs: CustomerProofs;
}

/** What came along to prove that somebody is the customer; without an id nothing of it counts. */
export interface CustomerProofs {
  /** Whether the caller is the app's own server; undefined: no server's credentials came along. */
  isServer: boolean | undefined;
  /** Of the customer's id, with the app's secret. */
  sign: string | undefined;
  /** Tokens that ought to be the customer's. */
  tokens: string[];
}

export interface Customer {
  token: string;
  storeId: number;
  appUid: LongInteger;
}

const columns = {
  ...sessionColumns,
  storeId: maybe(int8),
  asked: typed<CustomerProof>(),
  hash: maybe(text),
  sealed: maybe(text),
  hashPrevious: maybe(text),
  sealedPrevious: maybe(text),
  knownId: maybe(int8),
  appUid: long,
  status: int4,
  gaveDevice: bool,
  /** Null: this device is not theirs. */
  isDeviceProven: nullable(bool),
  hasUnprovenDevice: bool,
  isNamedSo: bool,
  /** Undefined for a customer who is known. */
  drawnUserId: maybe(int8),
};

type Found = Row<typeof columns>;

/**
 * Lets a customer of an app in: the same person, by the same token, whenever the same id comes and
 * it is them as far as the app asks. Who is refused has changed nothing.
 * @throws {DomainError} `app_missing` for an unknown or disabled app, and for one of the house,
 *   which has no customers; `store_missing` when it has no desk; `customer_proof_needed`, for a
 *   proof that does not hold too; `customer_sign_unready`; `account_frozen`
 */
export async function logCustomerIn(ctx: Ctx, login: CustomerLogin): Promise<Customer> {
  const { appId, customerId, deviceId } = login;
  const deviceHash = customerId === undefined || deviceId === undefined
    ? undefined
    : hashDevice(ctx.config.keys, { appId, customerId, deviceId });
  /** Whom they have proved to be: the token that did so may end before another is opened. */
  let provenId: number | undefined;
  for (let attempt = 1; attempt <= TOKEN_RACE_COUNT_MAX; attempt++) {
    const found = await findCustomer(ctx, { appId, customerId, deviceHash, ...nameOf(login) });
    if (!found) throw new DomainError("app_missing");
    const { storeId, knownId } = found;
    if (storeId === undefined) throw new DomainError("store_missing");
    const isProvenBefore = knownId !== undefined && knownId === provenId;
    const { mayRename, isProven } = admitted(ctx, { login, found, isProvenBefore });
    const isNew = knownId === undefined;
    if (!isNew && !mayLogIn(found.status)) throw new DomainError("account_frozen");
    if (isProven) provenId = knownId;
    const userId = knownId ?? found.drawnUserId!;
    const changed = { userId, deviceHash, isProven, ...nameOf(login) };
    if (!isNew && mayRename && leavesWork(found, changed)) await settleCustomer(ctx, changed);
    const token = isNew
      ? await makeCustomer(ctx, { appId, customerId, sessionId: found.drawnSessionId!, ...changed })
      : await tokenBehind(ctx, { appId, userId, found });
    const appUid = isNew ? CUSTOMER_UID_MIN + userId : found.appUid;
    if (token !== undefined) return { token, storeId, appUid };
  }
  throw new DomainError("service_unavailable");
}

function nameOf({ name, avatar }: CustomerLogin) {
  return { name, avatar };
}

/** @throws {DomainError} `customer_proof_needed`, `customer_sign_unready` */
function admitted(
  ctx: Ctx,
  { login: { customerId, proofs }, found, isProvenBefore }: {
    login: CustomerLogin;
    found: Found;
    isProvenBefore: boolean;
  },
): Admittance {
  // Nobody can be taken for somebody who has no id.
  if (customerId === undefined) return { mayRename: true, isProven: false };
  const { asked, gaveDevice } = found;
  const secrets = [
    { hash: found.hash, sealed: found.sealed },
    { hash: found.hashPrevious, sealed: found.sealedPrevious },
  ];
  const { isServer, sign, tokens } = proofs;
  const isSignRight = sign === undefined
    ? undefined
    : isSigned(ctx.config.keys, { text: customerId, sign, secrets });
  const proof = proofOf([
    isProvenBefore || undefined,
    isServer,
    isSignRight,
    ...tokens.map((token) => hashToken(token) === found.tokenHash),
  ]);
  const isOnTheirDevice = found.isDeviceProven !== null;
  const known = found.knownId === undefined ? undefined : { gaveDevice, isOnTheirDevice };
  const isUnready = sign !== undefined && isSignRight === undefined;
  if (isUnready && proof !== "right" && asked !== "never") {
    throw new DomainError("customer_sign_unready");
  }
  const admittance = judgeCustomer({ asked, proof, known });
  if (!admittance) throw new DomainError("customer_proof_needed");
  return admittance;
}

function leavesWork(
  found: Found,
  { deviceHash, isProven }: { deviceHash: string | undefined; isProven: boolean },
): boolean {
  const bindsDevice = deviceHash !== undefined && found.isDeviceProven !== true;
  return !found.isNamedSo || isProven && (bindsDevice || found.hasUnprovenDevice);
}

interface Sought {
  appId: number;
  customerId: string | undefined;
  deviceHash: string | undefined;
  name: string | undefined;
  avatar: string | undefined;
}

async function findCustomer(
  ctx: Ctx,
  { appId, customerId, deviceHash, name, avatar }: Sought,
): Promise<Found | undefined> {
  const statement = sql`
    with desk as (
      select apps.*, (select id from stores where app_id = apps.id order by id limit 1) as store_id
      from apps where id = ${appId} and disabled_at is null and not is_house
    ), known as (
      select users.id, users.app_uid, users.status, customers.gave_device,
        (select is_proven from customer_devices
          where user_id = users.id and device_hash = ${deviceHash ?? null}) as is_device_proven,
        exists (select from customer_devices
          where user_id = users.id and not is_proven) as has_unproven_device,
        (users.nickname, users.avatar) is not distinct from
          (coalesce(${name ?? null}, users.nickname), coalesce(${avatar ?? null}, users.avatar))
          as is_named_so
      from desk
      join customers on customers.app_id = desk.id and desk.store_id is not null
        and customers.customer_id = ${customerId ?? null}
      join users on users.id = customers.user_id
    )
    select desk.store_id, desk.customer_proof as asked,
      desk.secret_hash as hash, desk.secret_sealed as sealed,
      desk.secret_hash_previous as hash_previous, desk.secret_sealed_previous as sealed_previous,
      known.id as known_id, known.app_uid, known.status, known.gave_device,
      known.is_device_proven, known.has_unproven_device, known.is_named_so,
      case when known.id is null then nextval('users_id_seq') end as drawn_user_id,
      ${selectedSession}
    from desk left join known on true
    left join sessions on sessions.user_id = known.id and ${livePartnerSession}`;
  return (await rows(ctx, statement, columns)).at(0);
}

/** @returns the token; undefined when the same customer came at the same time, or the app went */
async function makeCustomer(
  ctx: Ctx,
  { appId, customerId, name, avatar, userId, sessionId, deviceHash, isProven }: Sought & {
    userId: number;
    sessionId: number;
    isProven: boolean;
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
        insert into customers (user_id, app_id, customer_id, created_at, gave_device)
        select id, ${appId}, ${customerId ?? null}, ${now}, ${deviceHash !== undefined}::boolean
        from person
        returning user_id
      ), ${firstDevice(at, { deviceHash, isProven })}, ${
      openedSession(at, { sessionId, tokenHash, source })
    }
      select id from opened`);
    return opened.length > 0 ? token : undefined;
  } catch (error) {
    if (brokenConstraintOf(error) === "customers_of_app") return undefined;
    throw error;
  }
}
