import { type SQL, sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { brokenConstraintOf, retry } from "../../client/errors.ts";
import { SessionKind } from "../../schema/sessions.ts";
import { LIVE_STATUSES, UserStatus } from "../../schema/users.ts";
import { bool, instant, int4, int8, rows, text, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { accessSecretsOf, hashToken } from "./access_secret.ts";
import { homeOf } from "./known_caller.ts";
import { SESSION_LIFE_MS } from "./session.ts";
import { endSessions } from "./session_cache.ts";
import type { Try } from "./tries.ts";

/** What a client says of itself in its headers. */
export interface ClientApp {
  /** 0 web, 1 iOS, 2 Android. */
  clientType: number | undefined;
  versionName: string | undefined;
  versionCode: number | undefined;
  address: string;
}

export interface Device {
  /** The client's own id of it. */
  deviceId: string;
  name: string;
  model: string;
}

export interface OpenSessionInput {
  /**
   * The person, as CTEs without the `with`: the last is named `person` and has the columns id, uid,
   * status and registered. What it writes and the session are one statement, at one time: `at`.
   */
  person: (at: Date) => SQL;
  /** `sessions.kind` */
  kind: number;
  client: ClientApp;
  device?: Device | undefined;
  /** What the login's proof was counted as: taken back together with it. */
  proof?: Try | undefined;
}

export interface LoggedIn {
  userId: number;
  uid: string;
  /** Shown once; only its hash is kept. */
  token: string;
  accessSecret: string;
  expiresAt: Date;
  registered: boolean;
}

/** Browsers and desktops of one person that live side by side. */
export const WEB_SESSIONS_COUNT_MAX = 10;

/** Each time it is lost another login has come in, of those that wait for one account's row. */
const LOGIN_RACE_COUNT_MAX = 20;
/** Broken by two logins of one person at once, and by a drawn short number that somebody has. */
const LOST_DRAWS = ["sessions_single", "sessions_of_device", "chat_accounts_shortNo_unique"];

/**
 * Opens the session of a login: the one place that does (partners' clients are granted theirs in
 * `partners/client_tokens.ts`). Of one person's sessions in the app the newest lives. On the web
 * each device has one, and who names no device a new one each time, {@link WEB_SESSIONS_COUNT_MAX}
 * at most; beyond that the oldest goes. What is replaced ends at once, and its sockets are told.
 * @returns undefined when `person` names nobody
 * @throws {DomainError} `account_frozen` for a disabled account, `account_missing` for a deleted one
 */
export async function openSession(
  ctx: Ctx,
  input: OpenSessionInput,
): Promise<LoggedIn | undefined> {
  const token = randomHex32();
  const at = ctx.now();
  const expiresAt = new Date(at.getTime() + SESSION_LIFE_MS);
  const statement = sessionStatement(input, { token, at, expiresAt });
  // The later of two logins at once runs again and ends the earlier one.
  const [row] = await retry(() => rows(ctx, statement, columns), {
    isLost: (error) => LOST_DRAWS.includes(brokenConstraintOf(error) ?? ""),
    countMax: LOGIN_RACE_COUNT_MAX,
  });
  if (!row) return undefined;
  const { userId, uid, status, registered, ended } = row;
  if (status === UserStatus.deleted) throw new DomainError("account_missing");
  if (status === UserStatus.disabled) throw new DomainError("account_frozen");
  await endSessions(ctx, ended);
  const accessSecret = accessSecretsOf(ctx.config.keys, uid, token)[0]!;
  return { userId, uid, token, accessSecret, expiresAt, registered };
}

const columns = {
  userId: int8,
  uid: text,
  status: int4,
  registered: bool,
  /** Token hashes of the sessions this one has ended. */
  ended: typed<string[]>(),
};

function sessionStatement(
  { person, kind, client, device, proof }: OpenSessionInput,
  { token, at, expiresAt }: { token: string; at: Date; expiresAt: Date },
): SQL {
  const now = instant(at);
  const mayLogIn = sql`status in ${[...LIVE_STATUSES]}`;
  const devices = device && sql`, device as (
      insert into devices (user_id, device_id, name, model, created_at, last_login_at)
      select id, ${device.deviceId}, ${device.name}, ${device.model}, ${now}, ${now}
      from person where ${mayLogIn}
      on conflict (user_id, device_id) do update
        set name = excluded.name, model = excluded.model, last_login_at = excluded.last_login_at
      returning id
    )`;
  const deviceId = device ? sql`(select id from device)` : sql`null::bigint`;
  const isWeb = kind === SessionKind.web;
  return sql`
    with ${person(at)}${devices ?? sql``}, given_back as (
      ${proof?.giveBack ?? sql`select`}
    ), known_from as (
      insert into login_networks (user_id, network, last_login_at)
      select id, ${homeOf(client)}, ${now} from person where ${mayLogIn}
      on conflict (user_id, network) do update set last_login_at = excluded.last_login_at
    ), ended as (
      update sessions set revoked_at = ${now}
      where user_id = (select id from person where ${mayLogIn}) and kind = ${kind}
        and revoked_at is null ${isWeb ? sql`and device_id = ${deviceId}` : sql``}
      returning token_hash
    ), opened as (
      insert into sessions (token_hash, user_id, kind, client_type, version_name, version_code,
        device_id, address, created_at, expires_at)
      select ${hashToken(token)}, id, ${kind}, ${client.clientType ?? null},
        ${client.versionName ?? null}, ${client.versionCode ?? null}::integer, ${deviceId},
        ${client.address}, ${now}, ${instant(expiresAt)}
      -- Reading "ended" here makes the old session's row go before the new one comes.
      from person where ${mayLogIn} and (select count(*) from ended) >= 0
      returning id
    )
    select id as user_id, uid, status, registered, array(select token_hash from ended)${
    isWeb ? sql` || ${endedBeyond(now)}` : sql``
  } as ended
    from person`;
}

/** Token hashes of the oldest sessions on the web, once the new one is there to be counted. */
const endedBeyond = (now: SQL) =>
  sql`case when exists (select 1 from opened)
    then end_older_web_sessions(person.id, ${WEB_SESSIONS_COUNT_MAX}, ${now}) end`;
