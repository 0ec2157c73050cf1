import { sql } from "drizzle-orm";
import type { Ctx } from "../../client.ts";
import { randomHex32 } from "../../keys.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { DomainError } from "../errors.ts";
import { moment } from "../moments.ts";

/** Somebody as a partner names them. */
export interface NamedPerson {
  appUid: number;
  /** Absent: as it was. */
  name?: string | undefined;
  avatar?: string | undefined;
}

export interface AppPerson {
  userId: number;
  appUid: number;
  uid: string;
  name: string;
}

interface PersonRow extends Record<string, unknown> {
  id: string;
  app_uid: string;
  uid: string;
  nickname: string;
}

/**
 * The people of an app by the partner's own numbers, made where they are new: to a partner, whom it
 * names exists. In one statement, however many. The house's people are nobody else's to make.
 *
 * @returns in the order named, each once
 * @throws {DomainError} `user_missing` when the house has nobody of that number
 */
export async function ensurePeople(
  ctx: Ctx,
  { tenantId, people }: { tenantId: number; people: NamedPerson[] },
): Promise<AppPerson[]> {
  const named = [...new Map(people.map((person) => [person.appUid, person])).values()];
  const rows = tenantId === HOUSE_APP_ID
    ? await readHousePeople(ctx, named)
    : await upsertPeople(ctx, tenantId, named);
  const byUid = new Map(rows.map((row) => [Number(row.app_uid), row]));
  return named.map(({ appUid }) => {
    const row = byUid.get(appUid);
    if (!row) throw new DomainError("user_missing");
    return { userId: Number(row.id), appUid, uid: row.uid, name: row.nickname };
  });
}

async function readHousePeople(ctx: Ctx, named: NamedPerson[]): Promise<PersonRow[]> {
  const appUids = sql.param(`{${named.map(({ appUid }) => appUid).join(",")}}`);
  const { rows } = await ctx.db.execute<PersonRow>(sql`
    select id::text, app_uid::text, uid, nickname from users
    where app_id = ${HOUSE_APP_ID} and app_uid = any(${appUids}::bigint[])
      and deleted_at is null`);
  return rows;
}

/** Rows that are as named already are only read: naming somebody in every message locks nobody. */
async function upsertPeople(
  ctx: Ctx,
  appId: number,
  named: NamedPerson[],
): Promise<PersonRow[]> {
  const given = JSON.stringify(named.map(({ appUid, name, avatar }) => ({
    ...{ app_uid: appUid, uid: randomHex32() },
    ...{ name: name ?? null, avatar: avatar ?? null },
  })));
  const now = moment(ctx.now());
  const { rows } = await ctx.db.execute<PersonRow>(sql`
    with given as (
      select * from jsonb_to_recordset(${given}::jsonb)
        as given (app_uid bigint, uid text, name text, avatar text)
    ), known as (
      select users.id, users.app_uid, users.uid, users.nickname from users
      join given on given.app_uid = users.app_uid
      where users.app_id = ${appId} and users.nickname = coalesce(given.name, users.nickname)
        and users.avatar = coalesce(given.avatar, users.avatar)
    ), written as (
      insert into users (uid, app_id, app_uid, nickname, avatar, profile_at, created_at, updated_at)
      select uid, ${appId}, app_uid, coalesce(name, ''), coalesce(avatar, ''), ${now}, ${now}, ${now}
      from given where app_uid not in (select app_uid from known)
      order by app_uid
      on conflict (app_id, app_uid) do update set updated_at = excluded.updated_at,
        nickname = coalesce((select name from given where given.app_uid = users.app_uid),
          users.nickname),
        avatar = coalesce((select avatar from given where given.app_uid = users.app_uid),
          users.avatar)
      returning id, app_uid, uid, nickname
    )
    select id::text, app_uid::text, uid, nickname from (
      select * from known union all select * from written) as found`);
  return rows;
}
