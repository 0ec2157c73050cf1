import { and, eq, gt, isNull, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { sessions } from "../../schema/sessions.ts";
import { users } from "../../schema/users.ts";
import {
  bool,
  instant,
  int4,
  int8,
  long,
  maybe,
  milliseconds,
  rows,
  text,
  typed,
} from "../../sql.ts";
import type { Session } from "./session.ts";

export async function readSession(ctx: Ctx, tokenHash: string): Promise<Session | undefined> {
  const [row] = await ctx.db
    .select({
      userId: users.id,
      uid: users.uid,
      kind: sessions.kind,
      appId: users.appId,
      appUid: users.appUid,
      status: users.status,
      profileAt: users.profileAt,
      expiresAt: sessions.expiresAt,
    })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(
      and(
        eq(sessions.tokenHash, tokenHash),
        isNull(sessions.revokedAt),
        gt(sessions.expiresAt, ctx.now()),
      ),
    )
    .limit(1);
  if (!row) return undefined;
  return {
    tokenHash,
    userId: row.userId,
    uid: row.uid,
    kind: row.kind,
    appId: row.appId,
    appUid: row.appUid,
    status: row.status,
    hasProfile: row.profileAt !== null,
    expiresAtMs: row.expiresAt.getTime(),
  };
}

export interface GuardKey {
  key: string;
  windowMs: number;
}

/** A guard key as its user knows it again: nobody else's ends at that moment. */
export interface UsedKey {
  key: string;
  expiresAt: string;
}

const columns = {
  uid: text,
  kind: int4,
  appId: int8,
  appUid: long,
  status: int4,
  hasProfile: bool,
  expiresAtMs: int8,
};

/**
 * The session and the duplicate-call guard from Postgres alone, in one statement: what a request
 * asks while Redis is away.
 * @returns the session, and those of the keys that were unused and are now used
 */
export async function readSessionAndUseKeys(
  ctx: Ctx,
  tokenHash: string | undefined,
  keys: GuardKey[],
): Promise<{ session: Session | undefined; used: UsedKey[] }> {
  const now = ctx.now();
  const given = keys.map(({ key, windowMs }) => ({
    key,
    expires_at: new Date(now.getTime() + windowMs).toISOString(),
  }));
  const statement = sql`
    with used as (
      insert into call_guards (key, expires_at)
      select key, expires_at
      from jsonb_to_recordset(${JSON.stringify(given)}::jsonb)
        as given(key text, expires_at timestamptz)
      order by key
      on conflict (key) do update set expires_at = excluded.expires_at
        where call_guards.expires_at <= ${instant(now)}
      returning key
    )
    select coalesce((select json_agg(key) from used), '[]') as used_keys, found.*
    from (select 1) as one
    left join lateral (
      select users.id as user_id, users.uid, sessions.kind, users.app_id, users.app_uid,
        users.status, users.profile_at is not null as has_profile,
        ${milliseconds(sql`sessions.expires_at`)} as expires_at_ms
      from sessions join users on users.id = sessions.user_id
      where sessions.token_hash = ${tokenHash ?? ""} and sessions.revoked_at is null
        and sessions.expires_at > ${instant(now)}
    ) as found on true`;
  const [found] = await rows(ctx, statement, {
    usedKeys: typed<string[]>(),
    userId: maybe(int8),
    ...columns,
  });
  const { usedKeys, userId, ...session } = found!;
  return {
    used: given.filter(({ key }) => usedKeys.includes(key))
      .map(({ key, expires_at: expiresAt }) => ({ key, expiresAt })),
    session: tokenHash === undefined || userId === undefined
      ? undefined
      : { tokenHash, userId, ...session },
  };
}

/** Lets the keys of a call that failed be used again; one that somebody else uses by now stays. */
export async function releaseKeys(ctx: Ctx, used: UsedKey[]): Promise<void> {
  await ctx.db.execute(sql`
    delete from call_guards using jsonb_to_recordset(${JSON.stringify(used.map(rowOf))}::jsonb)
      as used(key text, expires_at timestamptz)
    where call_guards.key = used.key and call_guards.expires_at = used.expires_at`);
}

const rowOf = ({ key, expiresAt }: UsedKey) => ({ key, expires_at: expiresAt });
