import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { listOf } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { present } from "../users/who_is_there.ts";
import { MEMBERS_PER_CALL_COUNT_MAX, type Role } from "./rules.ts";

export interface Person {
  userId: number;
  uid: string;
  name: string;
}

export interface Member extends Person {
  role: Role;
}

/** Uids as a caller names them: each once, and nothing that could be none. */
function uidsOf(uids: readonly string[]): string[] {
  if (uids.length > MEMBERS_PER_CALL_COUNT_MAX) {
    throw new DomainError("group_members_invalid", {
      message: `一次不能超过${MEMBERS_PER_CALL_COUNT_MAX}人`,
    });
  }
  return [...new Set(uids)].filter((uid) => /^[a-f0-9]{32}$/.test(uid));
}

interface PersonRow extends Record<string, unknown> {
  user_id: string;
  uid: string;
  name: string;
  role: number | null;
}

const personOf = (row: PersonRow): Person => ({
  userId: Number(row.user_id),
  uid: row.uid,
  name: row.name,
});

/**
 * Those among the named whose account lives, in the order named; of those already in `groupId`
 * none, of strangers to `friendsOf` none.
 *
 * @throws {DomainError} `group_members_invalid` when too many are named, or nobody is left
 */
export async function readNewcomers(
  ctx: Ctx,
  { uids, groupId, friendsOf }: { uids: readonly string[]; groupId?: number; friendsOf?: number },
): Promise<Person[]> {
  const named = uidsOf(uids);
  const { rows } = await ctx.db.execute<PersonRow>(sql`
    select users.id as user_id, users.uid, users.nickname as name, null as role
    from unnest(${listOf(named, "text")}) with ordinality as named (uid, place)
    join users on users.uid = named.uid and ${present}
    where not exists (select 1 from group_members where group_id = ${groupId ?? null}::bigint
        and user_id = users.id and removed_at is null)
      and (${friendsOf ?? null}::bigint is null or exists (select 1 from friends
        where user_id = ${friendsOf ?? null}::bigint and friend_id = users.id and not is_deleted))
    order by named.place`);
  if (rows.length === 0) throw new DomainError("group_members_invalid");
  return rows.map(personOf);
}

/** People by id, whose account lives and who are not in the group. */
export async function readAbsent(
  ctx: Ctx,
  { userIds, groupId }: { userIds: readonly number[]; groupId: number },
): Promise<Person[]> {
  const { rows } = await ctx.db.execute<PersonRow>(sql`
    select users.id as user_id, users.uid, users.nickname as name, null as role from users
    where users.id = any(${listOf(userIds, "bigint")}) and ${present}
      and not exists (select 1 from group_members where group_id = ${groupId}
        and user_id = users.id and removed_at is null)
    order by users.id`);
  return rows.map(personOf);
}

/** The named ones who are in the group, in the order of their ids. */
export async function readMembers(
  ctx: Ctx,
  { uids, groupId }: { uids: readonly string[]; groupId: number },
): Promise<Member[]> {
  const { rows } = await ctx.db.execute<PersonRow>(sql`
    select users.id as user_id, users.uid, users.nickname as name, group_members.role
    from users join group_members on group_members.user_id = users.id
    where users.uid = any(${listOf(uidsOf(uids), "text")})
      and group_members.group_id = ${groupId} and group_members.removed_at is null
    order by users.id`);
  return rows.map((row) => ({ ...personOf(row), role: row.role as Role }));
}

/** One person of the group; undefined when they are not in it. */
export async function findMember(
  ctx: Ctx,
  { userId, groupId }: { userId: number; groupId: number },
): Promise<Member | undefined> {
  const { rows: [row] } = await ctx.db.execute<PersonRow>(sql`
    select users.id as user_id, users.uid, users.nickname as name, group_members.role
    from users join group_members on group_members.user_id = users.id
    where users.id = ${userId} and group_members.group_id = ${groupId}
      and group_members.removed_at is null`);
  return row && { ...personOf(row), role: row.role as Role };
}
