import { and, asc, inArray, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { users, UserStatus } from "../../schema/users.ts";
import { instant } from "../../sql.ts";
import type { Mobile } from "../captchas/rules.ts";
import { mayLogIn } from "../sessions/session.ts";
import {
  loginNameOf,
  type ManagedUser,
  managedUser,
  type Status,
  userColumns,
} from "./managed_user.ts";
import type { Changed } from "./record_changes.ts";
import { managed } from "./who_is_there.ts";

export interface UserChange {
  userId: number;
  name?: string | undefined;
  /** Null: they have none any more. */
  mobile?: Mobile | null | undefined;
  exchanger?: boolean | undefined;
  status?: Status | undefined;
}

/** Locks people in the order of their ids, and answers those there are as they are now. */
export async function lockUsers(tx: Ctx, userIds: number[]): Promise<Map<number, ManagedUser>> {
  const rows = await tx.db.select(userColumns).from(users)
    .where(and(inArray(users.id, userIds), managed)).orderBy(asc(users.id)).for("no key update");
  return new Map(rows.map((row) => [row.id, managedUser(row)]));
}

export interface Applied {
  changed: Changed[];
  endedTokens: string[];
}

/**
 * Changes people who are locked. Whoever may not log in any more loses every session: a login waits
 * for the lock, so that it ends here, or finds the new status and begins none.
 */
export async function applyChanges(
  tx: Ctx,
  { locked, changes }: { locked: Map<number, ManagedUser>; changes: UserChange[] },
): Promise<Applied> {
  const changed = changes.flatMap((change) => {
    const before = locked.get(change.userId)!;
    const after = changedUser(before, change, tx.now());
    return after ? [{ before, after }] : [];
  });
  if (changed.length === 0) return { changed, endedTokens: [] };
  const at = instant(tx.now());
  const { rows: [row] } = await tx.db.execute<{ ended: string[] }>(sql`
    with changed as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(changed.map(rowOf))}::jsonb) as changed
        (id bigint, nickname text, country_code text, mobile text, exchanger boolean,
        freed_country_code text, freed_mobile text, status smallint, deleted_at timestamptz,
        login_was text, login_is text, ends boolean)
    ), users_changed as (
      update users set nickname = changed.nickname, country_code = changed.country_code,
        mobile = changed.mobile, exchanger = changed.exchanger, status = changed.status,
        freed_country_code = changed.freed_country_code, freed_mobile = changed.freed_mobile,
        deleted_at = changed.deleted_at, updated_at = ${at}
      from changed where users.id = changed.id
    ), names_changed as (
      update chat_accounts set username = changed.login_is from changed
      where user_id = changed.id and username = changed.login_was and login_was <> login_is
    ), ended as (
      update sessions set revoked_at = ${at} from changed
      where user_id = changed.id and changed.ends and revoked_at is null
      returning token_hash
    )
    select array(select token_hash from ended) as ended`);
  return { changed, endedTokens: row!.ended };
}

/**
 * Whoever is deleted has no number any more; back again, they have none until they are given one.
 *
 * @returns undefined when nothing is another than before
 */
function changedUser(
  before: ManagedUser,
  { name, mobile, exchanger, status }: UserChange,
  now: Date,
): ManagedUser | undefined {
  const statusAfter = status ?? before.status;
  const isDeleted = statusAfter === UserStatus.deleted;
  const given = mobile === undefined ? before.mobile : mobile;
  const freed = mobile === undefined ? before.mobile ?? before.freedMobile : mobile;
  const after = {
    ...before,
    name: name ?? before.name,
    mobile: isDeleted ? null : given,
    freedMobile: isDeleted ? freed : null,
    exchanger: exchanger ?? before.exchanger,
    status: statusAfter,
  };
  if (JSON.stringify(after) === JSON.stringify(before)) return undefined;
  const deletedAt = isDeleted ? before.deletedAt ?? now : null;
  return { ...after, deletedAt, updatedAt: now };
}

function rowOf({ before, after }: { before: ManagedUser; after: ManagedUser }) {
  return {
    id: after.id,
    nickname: after.name,
    country_code: after.mobile?.countryCode ?? null,
    mobile: after.mobile?.number ?? null,
    freed_country_code: after.freedMobile?.countryCode ?? null,
    freed_mobile: after.freedMobile?.number ?? null,
    exchanger: after.exchanger,
    status: after.status,
    deleted_at: after.deletedAt,
    login_was: loginNameOf(before),
    login_is: loginNameOf(after),
    ends: !mayLogIn(after.status),
  };
}
