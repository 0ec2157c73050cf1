import { type SQL, sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import { instant, type Term } from "../../sql.ts";
import type { Mobile } from "../captchas/rules.ts";

/** Columns of somebody new: values, or what they are in a row of `from`; absent ones are usual. */
export type NewPerson = Partial<
  Record<
    | "id"
    | "uid"
    | "app_id"
    | "app_uid"
    | "country_code"
    | "mobile"
    | "nickname"
    | "avatar"
    | "phone_muted"
    | "exchanger"
    | "status"
    | "profile_at"
    | "last_login_at",
    SQL | string | number | boolean
  >
>;

/**
 * The one way people come to be: an `insert` of people of the house, whose number is their id,
 * unless another app and number are named. What becomes of those who are there (`on conflict …`)
 * and what is answered (`returning …`) the statement adds itself.
 * @param from one is put in for each row of it; absent: those given, in their order
 */
export function insertPerson(
  at: Term<Date | string>,
  given: NewPerson | NewPerson[],
  from?: SQL,
): SQL {
  const now = instant(at);
  const people = [given].flat().map((person) => ({
    id: sql`nextval('users_id_seq')`,
    app_uid: sql`currval('users_id_seq')`,
    uid: randomHex32(),
    created_at: now,
    updated_at: now,
    ...person,
  }));
  const names = sql.raw(Object.keys(people[0]!).join(", "));
  const lists = people.map((person) =>
    sql.join(Object.values(person).map((value) => sql`${value}`), sql`, `)
  );
  const rows = from
    ? sql`select ${lists[0]} ${from}`
    : sql`values ${sql.join(lists.map((list) => sql`(${list})`), sql`, `)}`;
  return sql`insert into users (${names}) ${rows}`;
}

export function mobileColumns({ countryCode, number }: Mobile): NewPerson {
  return { country_code: countryCode, mobile: number };
}

/** Where a statement meets whoever of the house has the number already. */
export const onKnownMobile = sql`on conflict (country_code, mobile) where app_id = 0 do update`;
