import { type SQL, sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { CUSTOMER_UID_MAX, CUSTOMER_UID_MIN, isCustomerUid } from "../../schema/users.ts";
import { builtFor, instant, int8, listText, long, rows, type Terms, text } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { insertPerson } from "./insert_person.ts";
import { known } from "./who_is_there.ts";

/** Somebody as a partner names them. */
export interface NamedPerson {
  appUid: LongInteger;
  /** Absent: as it was. */
  name?: string | undefined;
  avatar?: string | undefined;
  phoneMuted?: boolean | undefined;
}

export interface AppPerson {
  userId: number;
  appUid: LongInteger;
  uid: string;
  name: string;
  avatar: string;
}

const PERSON_COLUMNS = { userId: int8, appUid: long, uid: text, name: text, avatar: text };

/**
 * The people of an app by the partner's own numbers, made where they are new: to a partner, whom it
 * names exists. In one statement, however many. The house's people are nobody else's to make.
 * @returns in the order named, each once
 * @throws {DomainError} `user_missing` when the house has nobody of that number, or the number is of
 *   those that customers get and no customer has it
 */
export async function ensurePeople(
  ctx: Ctx,
  { tenantId, people }: { tenantId: number; people: NamedPerson[] },
): Promise<AppPerson[]> {
  const named = [...new Map(people.map((person) => [person.appUid, person])).values()];
  const values = naming(ctx.now(), { tenantId, people: named });
  const statement = ensuring({ isHouse: tenantId === HOUSE_APP_ID }, values);
  const found = await rows(ctx, statement, PERSON_COLUMNS);
  const byUid = new Map(found.map((person) => [person.appUid, person]));
  return named.map(({ appUid }) => {
    const person = byUid.get(appUid);
    if (!person) throw unknownPerson(tenantId, [appUid]);
    return person;
  });
}

/** That one of these is nobody: of a partner's own numbers only those can be that customers get. */
export function unknownPerson(tenantId: number, named: readonly LongInteger[]): DomainError {
  const isReserved = tenantId !== HOUSE_APP_ID && named.some(isCustomerUid);
  return new DomainError("user_missing", isReserved ? { message: RESERVED_TEXT } : {});
}

const RESERVED_TEXT = `${CUSTOMER_UID_MIN}到${CUSTOMER_UID_MAX}的编号留给客服的顾客，没有这个顾客`;

/** What the text of {@link peopleNamed} depends on. */
export interface NamingShape {
  isHouse: boolean;
}

export interface NamingValues {
  appId: number;
  /** `listText`. */
  appUids: string;
  /** JSON. */
  named: string;
  /** ISO 8601. */
  at: string;
}

const ensuring = builtFor<NamingShape, NamingValues>((shape, given) =>
  sql`with ${peopleNamed(shape, given)}
    select id as user_id, app_uid, uid, nickname as name, avatar from people`
);

/** The values of a statement with {@link peopleNamed}; nobody may be named twice. */
export function naming(
  at: Date,
  { tenantId, people }: { tenantId: number; people: NamedPerson[] },
): NamingValues {
  const newcomerOf = ({ appUid, name, avatar, phoneMuted }: NamedPerson) => ({
    app_uid: String(appUid),
    uid: randomHex32(),
    phone_muted: phoneMuted ?? null,
    name: name ?? null,
    avatar: avatar ?? null,
  });
  return {
    appId: tenantId,
    appUids: listText(people.map(({ appUid }) => appUid)),
    // Nobody of the house is made here.
    named: tenantId === HOUSE_APP_ID ? "[]" : JSON.stringify(people.map(newcomerOf)),
    at: at.toISOString(),
  };
}

/** {@link peopleNamed} in a statement that is not built once. */
export function namedPeople(
  at: Date,
  people: { tenantId: number; people: NamedPerson[] },
): SQL {
  return peopleNamed({ isHouse: people.tenantId === HOUSE_APP_ID }, naming(at, people));
}

/**
 * {@link ensurePeople} as CTEs without the `with`, so that what is asked or done about the people is
 * the same statement. The last, `people`, has id, app_uid, uid, nickname, avatar and status of
 * everybody there is by then.
 */
export function peopleNamed({ isHouse }: NamingShape, given: Terms<NamingValues>): SQL {
  return isHouse ? housePeople(given) : upsertedPeople(given);
}

/** What a partner calls them does not change people who have a name of their own with us. */
function housePeople({ appUids }: Terms<NamingValues>): SQL {
  return sql`people as (
      select id, app_uid, uid, nickname, avatar, status from users
      where ${known} and app_uid = any(${appUids}::bigint[])
    )`;
}

/** Rows that are as named already are only read: naming somebody in every message locks nobody. */
function upsertedPeople({ appId, named, at }: Terms<NamingValues>): SQL {
  const person = insertPerson(
    at,
    {
      uid: sql`uid`,
      app_id: sql`${appId}::bigint`,
      app_uid: sql`app_uid`,
      nickname: sql`coalesce(name, '')`,
      avatar: sql`coalesce(avatar, '')`,
      phone_muted: sql`coalesce(phone_muted, false)`,
      profile_at: instant(at),
    },
    sql`from given where app_uid not in (select app_uid from known)
        and (app_uid not between ${CUSTOMER_UID_MIN} and ${CUSTOMER_UID_MAX}
          or exists (select from users
          where users.app_id = ${appId} and users.app_uid = given.app_uid))
      order by app_uid`,
  );
  const givenTo = (column: "name" | "avatar" | "phone_muted") =>
    sql`((select map from by_uid) -> users.app_uid::text ->> ${sql.raw(`'${column}'`)})`;
  return sql`given as (
      select * from jsonb_to_recordset(${named}::jsonb)
        as given (app_uid bigint, uid text, name text, avatar text, phone_muted boolean)
    ), by_uid as materialized (
      -- Looked up in once a row, where a search through all of them would be once for each.
      select jsonb_object_agg(app_uid, to_jsonb(given)) as map from given
    ), known as (
      select users.id, users.app_uid, users.uid, users.nickname, users.avatar, users.status
      from users
      join given on given.app_uid = users.app_uid
      where users.app_id = ${appId} and users.nickname = coalesce(given.name, users.nickname)
        and users.avatar = coalesce(given.avatar, users.avatar)
        and users.phone_muted = coalesce(given.phone_muted, users.phone_muted)
    ), written as (
      ${person}
      on conflict (app_id, app_uid) do update set updated_at = excluded.updated_at,
        nickname = coalesce(${givenTo("name")}, users.nickname),
        avatar = coalesce(${givenTo("avatar")}, users.avatar),
        phone_muted = coalesce(${givenTo("phone_muted")}::boolean, users.phone_muted)
      returning id, app_uid, uid, nickname, avatar, status
    ), people as (
      select * from known union all select * from written
    )`;
}
