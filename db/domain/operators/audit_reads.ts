import { desc, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { operatorActions, operators } from "../../schema/operators.ts";

/** How far actions can be paged, and are counted. */
export const ACTIONS_START_MAX = 10_000;

/** What somebody did. */
export interface ListedAction {
  at: Date;
  /** The operator's name, or the id of a script's key. */
  operator: string;
  action: string;
  target: string;
  before: unknown;
  after: unknown;
  requestId: string;
}

export interface ActionsPage {
  /** Absent: whatever was changed. */
  target: string | undefined;
  start: number;
  limit: number;
}

/**
 * One page of what operators and scripts did, newest first, and how many there are: counted up to
 * {@link ACTIONS_START_MAX}, which is as far as anybody may page. One statement.
 */
export async function listActions(
  ctx: Ctx,
  { target, start, limit }: ActionsPage,
): Promise<{ total: number; items: ListedAction[] }> {
  const isListed = target === undefined ? undefined : eq(operatorActions.target, target);
  const counted = ctx.db.select({ one: sql`1`.as("one") }).from(operatorActions).where(isListed)
    .limit(ACTIONS_START_MAX).as("counted");
  const whole = ctx.db.select({ total: sql<string>`count(*)`.as("total") }).from(counted)
    .as("whole");
  const page = ctx.db
    .select({
      id: operatorActions.id,
      at: operatorActions.at,
      operator: sql<string>`coalesce(${operators.name}, ${operatorActions.opsKeyId}, '')`.as(
        "operator",
      ),
      action: operatorActions.action,
      target: operatorActions.target,
      before: operatorActions.before,
      after: operatorActions.after,
      requestId: operatorActions.requestId,
    })
    .from(operatorActions).leftJoin(operators, eq(operators.id, operatorActions.operatorId))
    .where(isListed).orderBy(desc(operatorActions.id)).limit(limit).offset(start).as("page");
  const rows = await ctx.db.select().from(whole).leftJoin(page, sql`true`).orderBy(desc(page.id));
  return {
    total: Number(rows[0]!.whole.total),
    items: rows.flatMap(({ page }) => page === null ? [] : [page]),
  };
}
