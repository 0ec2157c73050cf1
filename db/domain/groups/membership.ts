import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { MemberRole } from "../../schema/groups.ts";
import { instant, int8, listOf, rows } from "../../sql.ts";
import type { Person } from "./facts.ts";
import { type Bringer, mayBring } from "./people.ts";
import type { Role } from "./rules.ts";

interface At {
  id: number;
  version: number;
}

/**
 * Puts people into a locked group; former members come back as plain ones, whoever owns the group
 * as its owner, whom the group's blacklist keeps out does not. What the group's log says until now
 * is not theirs. Rows and counter change together.
 *
 * @param by who brings them, where that is for people to decide; whom they may not, is passed over
 * @returns the ids of those who were not in it already
 */
export async function insertMembers(
  ctx: Ctx,
  { id, version }: At,
  { people, inviterId, by }: {
    people: Pick<Person, "userId">[];
    inviterId?: number | undefined;
    by?: Bringer | undefined;
  },
): Promise<number[]> {
  const userIds = people.map(({ userId }) => userId);
  const statement = sql`
    with place as (
      select coalesce((select last_seq from group_heads where group_id = ${id}), 0) as log_seq,
        owner_id from groups where id = ${id}
    ), added as (
      insert into group_members
        (group_id, user_id, role, version, log_seq, synced_seq, inviter_id, joined_at)
      select ${id}::bigint, newcomer.user_id,
        case when newcomer.user_id = owner_id then ${MemberRole.owner}::smallint
          else ${MemberRole.member}::smallint end,
        ${version}::bigint, log_seq, log_seq, ${inviterId ?? null}::bigint, ${instant(ctx.now())}
      from unnest(${listOf(userIds, "bigint")}) as newcomer (user_id), place
      where ${by ? mayBring(by, sql`newcomer.user_id`) : sql`true`}
      order by newcomer.user_id
      on conflict (group_id, user_id) do update
        set role = excluded.role, nickname = '', version = excluded.version,
          log_seq = excluded.log_seq, synced_seq = excluded.synced_seq,
          inviter_id = excluded.inviter_id, joined_at = excluded.joined_at, removed_at = null,
          muted_until = null
        where group_members.removed_at is not null and group_members.blacklisted_at is null
      returning user_id
    ), counted as (
      update groups set member_count = member_count + (select count(*) from added)
      where id = ${id}
    )
    select user_id from added`;
  return (await rows(ctx, statement, { userId: int8 })).map(({ userId }) => userId);
}

/** Gives people of a locked group a role. A manager is on no blacklist of it. */
export async function setRole(
  ctx: Ctx,
  { id, version }: At,
  { people, role }: { people: Pick<Person, "userId">[]; role: Role },
): Promise<void> {
  const userIds = people.map(({ userId }) => userId);
  await ctx.db.execute(sql`
    update group_members set role = ${role}, version = ${version},
      blacklisted_at = case when ${role} = ${MemberRole.member} then blacklisted_at end
    where group_id = ${id} and user_id = any(${listOf(userIds, "bigint")})
      and removed_at is null`);
}

/**
 * Makes `heir` the owner of a locked group in the place of `owner`, who becomes a plain member.
 * An owner is never muted, nor on the blacklist.
 */
export async function passOwnership(
  ctx: Ctx,
  { id, version }: At,
  { owner, heir }: { owner: Pick<Person, "userId">; heir: Pick<Person, "userId"> },
): Promise<void> {
  await ctx.db.execute(sql`
    with passed as (
      update group_members set version = ${version},
        role = case when user_id = ${heir.userId}
          then ${MemberRole.owner}::smallint else ${MemberRole.member}::smallint end,
        muted_until = case when user_id = ${heir.userId} then null else muted_until end,
        blacklisted_at = case when user_id = ${heir.userId} then null else blacklisted_at end
      where group_id = ${id} and user_id in (${owner.userId}, ${heir.userId})
    )
    update groups set owner_id = ${heir.userId} where id = ${id}`);
}
