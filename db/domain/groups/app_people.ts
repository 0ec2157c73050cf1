import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { listOf } from "../../sql.ts";
import type { Caller } from "../partner_groups/change_as.ts";
import { type AppPerson, ensurePeople, type NamedPerson } from "../users/ensure_people.ts";
import { type Person } from "./people.ts";

/** Somebody of an app as notifications name them. */
export interface NotifiedPerson extends Person {
  appUid: number;
  /** Absent: not known to the call that names them. */
  avatar?: string | undefined;
}

/**
 * The people a caller names. A server's word on their names is kept; a client may name anybody, but
 * renames nobody.
 *
 * @returns in the order named, each once
 * @throws {DomainError} `user_missing` when the house has nobody of that number
 */
export async function namePeople(
  ctx: Ctx,
  { caller, people }: { caller: Caller; people: NamedPerson[] },
): Promise<NotifiedPerson[]> {
  const given = new Map(people.map((person) => [person.appUid, person]));
  const kept = await ensurePeople(ctx, {
    tenantId: caller.tenantId,
    people: caller.client ? people.map(({ appUid }) => ({ appUid })) : people,
  });
  return kept.map((person) => notified(person, given.get(person.appUid)));
}

function notified(person: AppPerson, given: NamedPerson | undefined): NotifiedPerson {
  return { ...person, name: person.name || (given?.name ?? ""), avatar: given?.avatar };
}

/** The named ones who are in the group, in the order of their ids. */
export async function readAppMembers(
  ctx: Ctx,
  { tenantId, appUids, groupId }: {
    tenantId: number;
    appUids: readonly number[];
    groupId: number;
  },
): Promise<NotifiedPerson[]> {
  const { rows } = await ctx.db.execute<
    { user_id: string; app_uid: string; uid: string; name: string; avatar: string }
  >(sql`
    select users.id as user_id, users.app_uid, users.uid, users.nickname as name, users.avatar
    from users join group_members on group_members.user_id = users.id
    where users.app_id = ${tenantId} and users.app_uid = any(${listOf(appUids, "bigint")})
      and group_members.group_id = ${groupId} and group_members.removed_at is null
    order by users.id`);
  return rows.map(({ user_id, app_uid, uid, name, avatar }) => ({
    userId: Number(user_id),
    appUid: Number(app_uid),
    uid,
    name,
    avatar,
  }));
}
