import { type SQL, sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { MemberRole } from "../../schema/groups.ts";
import { instant, int4, listOf, rows } from "../../sql.ts";
import { copyLog } from "../messages/copy_log.ts";
import type { Change, LockedGroup } from "./change.ts";
import type { FactOfKind, Person } from "./facts.ts";
import { passOwnership } from "./membership.ts";
import { type Member, PERSON, PERSON_COLUMNS, role, uidsOf } from "./people.ts";

/** People of a group: by uids, by an id, by their numbers in the group's app, or all of them. */
export type Meant =
  | { uids: readonly string[] }
  | { userId: number }
  | { appUids: readonly LongInteger[] }
  | "everybody";

/** Who has just been taken out of a group. */
export interface Gone {
  /** With the roles they had; those who were not in it are not among them. */
  people: Member[];
  /** How many are in the group still. */
  stayCount: number;
}

/**
 * Takes people out of a locked group; their rows stay for the syncs. What is said of it differs for
 * who goes and who stays, so everybody's inbox is locked with it, in the order every message locks
 * them: two groups with the same people would otherwise wait for each other. In a group that keeps
 * a log only who goes has something to come into their inbox.
 */
export async function takeOut({ ctx, group }: Change, meant: Meant): Promise<Gone> {
  const gone = await rows(
    ctx,
    sql`
      with leaving as materialized (
        select ${PERSON}, group_members.role
        from group_members join users on users.id = group_members.user_id
        where group_members.group_id = ${group.id} and group_members.removed_at is null
          and ${areMeant(group, meant)}
        order by group_members.user_id for no key update of group_members
      ), removed as (
        update group_members set removed_at = ${instant(ctx.now())}, version = ${group.version},
          role = ${MemberRole.member}
        where group_id = ${group.id} and user_id in (select user_id from leaving)
        returning user_id
      ), counted as (
        update groups set member_count = member_count - (select count(*) from removed)
        where id = ${group.id} returning member_count
      ), locked as (
        insert into inbox_heads (user_id, last_seq)
        select user_id, 0 from group_members, counted
        where group_id = ${group.id} and removed_at is null and ${!group.keepsLog}
          and exists (select 1 from leaving)
        order by user_id
        on conflict (user_id) do update set last_seq = inbox_heads.last_seq
      )
      select leaving.*, counted.member_count as stay_count from leaving, counted
      order by leaving.user_id`,
    { ...PERSON_COLUMNS, role, stayCount: int4 },
  );
  const people = gone.map(({ stayCount: _, ...member }) => member);
  return { people, stayCount: gone[0]?.stayCount ?? 0 };
}

function areMeant({ tenantId }: LockedGroup, meant: Meant): SQL {
  if (meant === "everybody") return sql`true`;
  if ("userId" in meant) return sql`users.id = ${meant.userId}`;
  if ("uids" in meant) return sql`users.uid = any(${listOf(uidsOf(meant.uids), "text")})`;
  return sql`users.app_id = ${tenantId} and users.app_uid = any(${
    listOf(meant.appUids, "bigint")
  })`;
}

/**
 * What there is to do once people are out: they get what they had not read of a large group's log,
 * a group of the house has an owner again or ends with its last member, and all hear of it.
 */
export async function sayGoodbye(
  change: Change,
  { people, stayCount }: Gone,
  fact: FactOfKind<"members_removed"> | FactOfKind<"left">,
): Promise<void> {
  const { ctx, group, announcer } = change;
  await copyUnread(change, people);
  const isHouse = group.tenantId === HOUSE_APP_ID;
  const owner = people.find(({ userId }) => userId === group.ownerId);
  if (owner && isHouse && stayCount > 0) {
    await handOver(change, { owner, heir: await findHeir(ctx, group.id) });
  }
  await announcer.tell(fact);
  if (isHouse && stayCount === 0) await endGroup(ctx, group);
}

/** Nobody copies the log for them any more. */
export async function copyUnread(
  { ctx, group, announcer }: Change,
  people: Pick<Person, "userId">[],
): Promise<void> {
  const isLogged = ({ loggedInGroup }: { loggedInGroup: unknown }) => loggedInGroup !== undefined;
  const deliveries = await copyLog(ctx, {
    groupId: group.id,
    userIds: people.map(({ userId }) => userId),
    hasLog: group.keepsLog || announcer.accepted.some(isLogged),
    haveLeft: true,
  });
  announcer.accepted.push({ deliveries, loggedInGroup: undefined });
}

/** The manager who has been there longest, or else the member. */
async function findHeir(ctx: Ctx, groupId: number): Promise<Person> {
  const [heir] = await rows(
    ctx,
    sql`
      select ${PERSON} from group_members join users on users.id = group_members.user_id
      where group_members.group_id = ${groupId} and group_members.removed_at is null
      order by group_members.role = ${MemberRole.manager} desc, group_members.joined_at,
        group_members.id
      limit 1`,
    PERSON_COLUMNS,
  );
  return heir!;
}

/** Passes a locked group from its owner to `heir`, and says so. */
export async function handOver(
  { ctx, group, by, announcer }: Change,
  { owner, heir }: { owner: Pick<Person, "userId">; heir: Person },
): Promise<void> {
  await passOwnership(ctx, group, { owner, heir });
  await announcer.tell({ kind: "owner_changed", by, owner: heir });
}

/** Nothing more is said in it. */
export async function endGroup(ctx: Ctx, { id }: { id: number }): Promise<void> {
  await ctx.db.execute(sql`
    update groups set disbanded_at = ${instant(ctx.now())} where id = ${id}`);
}
