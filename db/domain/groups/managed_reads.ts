import { and, desc, eq, or, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { groupCounts, groups } from "../../schema/groups.ts";
import { patternOf, PLANNED_WITH_VALUES } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { groupColumns, managed, type ManagedGroup } from "./managed_group.ts";
import { LISTED_COUNT_MAX, numberIn } from "./managed_rules.ts";

/** @throws {DomainError} `group_missing`, also for partners' groups and disbanded ones */
export async function readManagedGroup(ctx: Ctx, groupId: number): Promise<ManagedGroup> {
  const [group] = await ctx.db.select(groupColumns).from(groups)
    .where(and(eq(groups.id, groupId), managed)).limit(1);
  if (!group) throw new DomainError("group_missing");
  return group;
}

const countOfAll = sql<string>`least(coalesce(sum(${groupCounts.count}), 0), ${LISTED_COUNT_MAX})`;
const countOfFound = sql<string>`count(*) ${PLANNED_WITH_VALUES}`;

export interface GroupsPage {
  /** A part of the name, whatever the case of its letters, or the whole id; empty: all. */
  keyword: string;
  start: number;
  limit: number;
}

/**
 * One page of groups, newest first, and how many there are: by the counters, or, of those a keyword
 * finds, counted, up to {@link LISTED_COUNT_MAX}, which is as far as anybody may page. One statement.
 */
export async function listManagedGroups(
  ctx: Ctx,
  { keyword, start, limit }: GroupsPage,
): Promise<{ total: number; groups: ManagedGroup[] }> {
  const id = numberIn(keyword);
  const isFound = keyword === "" ? undefined : or(
    sql`lower(${groups.name}) like lower(${patternOf(keyword)})`,
    id === undefined ? undefined : eq(groups.id, id),
  );
  const listed = and(managed, isFound);
  const counted = ctx.db.select({ one: sql`1`.as("one") }).from(groups).where(listed)
    .limit(LISTED_COUNT_MAX).as("counted");
  const whole = isFound === undefined
    ? ctx.db.select({ total: countOfAll.as("total") }).from(groupCounts).as("whole")
    : ctx.db.select({ total: countOfFound.as("total") }).from(counted).as("whole");
  const page = ctx.db.select(groupColumns).from(groups).where(listed).orderBy(desc(groups.id))
    .limit(limit).offset(start).as("page");
  const rows = await ctx.db.select().from(whole).leftJoin(page, sql`true`).orderBy(desc(page.id));
  return {
    total: Number(rows[0]!.whole.total),
    groups: rows.flatMap(({ page }) => page === null ? [] : [page]),
  };
}
