import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { type Column, int8, listOf, long, rows, text } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { present } from "../users/who_is_there.ts";
import type { Person } from "./facts.ts";
import { MEMBERS_PER_CALL_COUNT_MAX, type Role } from "./rules.ts";

export interface Member extends Person {
  role: Role;
}

/** What facts say of `users`. */
export const PERSON = sql`users.id as user_id, users.uid, users.app_uid, users.nickname as name,
  users.avatar`;
export const PERSON_COLUMNS = { userId: int8, uid: text, appUid: long, name: text, avatar: text };
/** `group_members.role` */
export const role: Column<Role> = (answered) => Number(answered) as Role;

/** Uids as a caller names them: each once, and nothing that could be none. */
export function uidsOf(uids: readonly string[]): string[] {
  if (uids.length > MEMBERS_PER_CALL_COUNT_MAX) {
    throw new DomainError("group_members_invalid", {
      message: `一次不能超过${MEMBERS_PER_CALL_COUNT_MAX}人`,
    });
  }
  return [...new Set(uids)].filter((uid) => /^[a-f0-9]{32}$/.test(uid));
}

/** Who puts people into a group, and whether those have to be friends. */
export interface Bringer {
  userId: number;
  friendsOnly: boolean;
}

/**
 * Whether somebody may be brought in: neither has blacklisted the other. Who may not is passed over
 * as if they were not there.
 *
 * @param id whose it is about
 */
export function mayBring({ userId, friendsOnly }: Bringer, id = sql`users.id`): SQL {
  return sql`not exists (select 1 from blocks
      where (blocks.user_id = ${userId} and blocks.blocked_id = ${id})
        or (blocks.user_id = ${id} and blocks.blocked_id = ${userId}))
    and (not ${friendsOnly} or ${id} = ${userId} or exists (select 1 from friends
      where friends.user_id = ${userId} and friend_id = ${id} and not is_deleted))`;
}

/**
 * Those among the named whose account lives and whom `by` may bring, in the order named; of those
 * already in `groupId`, or kept out of it, none.
 *
 * @throws {DomainError} `group_members_invalid` when too many are named, or nobody is left
 */
export async function readNewcomers(
  ctx: Ctx,
  { uids, groupId, by }: { uids: readonly string[]; groupId?: number; by: Bringer },
): Promise<Person[]> {
  const named = uidsOf(uids);
  const people = await rows(
    ctx,
    sql`
      select ${PERSON}
      from unnest(${listOf(named, "text")}) with ordinality as named (uid, place)
      join users on users.uid = named.uid and ${present}
      where not exists (select 1 from group_members where group_id = ${groupId ?? null}::bigint
          and user_id = users.id and (removed_at is null or blacklisted_at is not null))
        and ${mayBring(by)}
      order by named.place`,
    PERSON_COLUMNS,
  );
  if (people.length === 0) throw new DomainError("group_members_invalid");
  return people;
}

/** People by id, whose account lives, who are not in the group, and whom `by` may bring. */
export async function readAbsent(
  ctx: Ctx,
  { userIds, groupId, by }: {
    userIds: readonly number[];
    groupId: number;
    by: Bringer;
  },
): Promise<Person[]> {
  return await rows(
    ctx,
    sql`
      select ${PERSON} from users
      where users.id = any(${listOf(userIds, "bigint")}) and ${present}
        and not exists (select 1 from group_members where group_id = ${groupId}
          and user_id = users.id and removed_at is null)
        and ${mayBring(by)}
      order by users.id`,
    PERSON_COLUMNS,
  );
}

/** The named ones who are in the group, in the order of their ids. */
export async function readMembers(
  ctx: Ctx,
  { uids, groupId }: { uids: readonly string[]; groupId: number },
): Promise<Member[]> {
  return await rows(
    ctx,
    sql`
      select ${PERSON}, group_members.role
      from users join group_members on group_members.user_id = users.id
      where users.uid = any(${listOf(uidsOf(uids), "text")})
        and group_members.group_id = ${groupId} and group_members.removed_at is null
      order by users.id`,
    { ...PERSON_COLUMNS, role },
  );
}
