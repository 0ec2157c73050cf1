import { and, desc, eq, inArray, notInArray, or, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { BUILT_IN_UIDS, userCounts, users, UserStatus } from "../../schema/users.ts";
import { int8, maybe, patternOf, PLANNED_WITH_VALUES, rows, text } from "../../sql.ts";
import type { Mobile } from "../captchas/rules.ts";
import { DomainError } from "../errors.ts";
import { LISTED_COUNT_MAX } from "./managed_rules.ts";
import { type ManagedUser, managedUser, type Status, userColumns } from "./managed_user.ts";
import { managed, notDeleted } from "./who_is_there.ts";

/** @throws {DomainError} `user_missing` also for people of partner apps and built-in accounts */
export async function readUser(ctx: Ctx, userId: number): Promise<ManagedUser> {
  const [row] = await ctx.db.select(userColumns).from(users)
    .where(and(eq(users.id, userId), managed)).limit(1);
  if (!row) throw new DomainError("user_missing");
  return managedUser(row);
}

export interface UsersPage {
  /** Absent: whatever it is. */
  status: Status | undefined;
  exchanger: boolean | undefined;
  /** `start + limit` is at most {@link LISTED_COUNT_MAX}: callers have checked that. */
  start: number;
  limit: number;
}

const builtInIds = sql`array(select id from users where uid in ${[...BUILT_IN_UIDS]})`;

/** One page of the people of these kinds, newest first, and how many there are. One statement. */
export async function listUsers(
  ctx: Ctx,
  { status, exchanger, start, limit }: UsersPage,
): Promise<{ total: number; users: ManagedUser[] }> {
  const statuses = status === undefined ? Object.values(UserStatus) : [status];
  const exchangers = exchanger === undefined ? [false, true] : [exchanger];
  // One stretch of `users_in_state` for each kind, so that no kind's people are read for another's.
  const stretches = statuses.flatMap((status) =>
    exchangers.map((exchanger) =>
      sql`(select id from users where app_id = ${HOUSE_APP_ID} and status = ${status}
        and exchanger = ${exchanger} and id <> all (${builtInIds})
        order by id desc limit ${start + limit})`
    )
  );
  const newest = sql`(select ${PLANNED_WITH_VALUES} id from (${
    sql.join(stretches, sql` union all `)
  }) as stretches
    order by id desc limit ${limit} offset ${start}) as newest`;
  const page = ctx.db.select(userColumns).from(users)
    .innerJoin(newest, sql`newest.id = ${users.id}`).as("page");
  const isOfKind = (table: typeof users | typeof userCounts) =>
    and(inArray(table.status, statuses), inArray(table.exchanger, exchangers));
  const builtIn = ctx.db.select({ count: sql`count(*)` }).from(users)
    .where(and(inArray(users.uid, [...BUILT_IN_UIDS]), isOfKind(users)));
  const whole = ctx.db
    .select({
      total: sql<string>`coalesce(sum(${userCounts.count}), 0) - (${builtIn})`.as("total"),
    })
    .from(userCounts).where(isOfKind(userCounts)).as("whole");
  const listed = await ctx.db.select().from(whole).leftJoin(page, sql`true`)
    .orderBy(desc(page.id));
  return {
    total: Number(listed[0]!.whole.total),
    users: listed.flatMap(({ page }) => page === null ? [] : [managedUser(page)]),
  };
}

export interface FoundUser {
  id: number;
  name: string;
}

/** Newest first, whatever the case of letters, without the deleted; counted to the last page. */
export async function searchUsersByName(
  ctx: Ctx,
  { part, start, limit }: { part: string; start: number; limit: number },
): Promise<{ total: number; users: FoundUser[] }> {
  const statement = sql`
    with found as materialized (
      select ${PLANNED_WITH_VALUES} id, nickname as name from users
      where ${managed} and ${notDeleted} and lower(nickname) like lower(${patternOf(part)})
      order by id desc limit ${LISTED_COUNT_MAX}
    )
    select whole.total, page.* from (select count(*) as total from found) as whole
      left join (select * from found order by id desc limit ${limit} offset ${start}) as page on true
    order by page.id desc`;
  const found = await rows(ctx, statement, { total: int8, id: maybe(int8), name: text });
  return {
    total: found[0]!.total,
    users: found.flatMap(({ id, name }) => id === undefined ? [] : [{ id, name }]),
  };
}

export async function findHolder(
  ctx: Ctx,
  { mobiles, exceptIds }: { mobiles: Mobile[]; exceptIds: number[] },
): Promise<{ id: number; mobile: Mobile } | undefined> {
  if (mobiles.length === 0) return undefined;
  const [row] = await ctx.db.select(userColumns).from(users)
    .where(and(
      eq(users.appId, HOUSE_APP_ID),
      or(
        ...mobiles.map(({ countryCode, number }) =>
          and(eq(users.countryCode, countryCode), eq(users.mobile, number))
        ),
      ),
      notInArray(users.id, exceptIds),
    )).limit(1);
  if (!row) return undefined;
  const { id, mobile } = managedUser(row);
  return { id, mobile: mobile! };
}
