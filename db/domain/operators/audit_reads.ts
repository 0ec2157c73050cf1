import { desc, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { operatorActions, operators } from "../../schema/operators.ts";
import { countedPage } from "../paging/counted_page.ts";

/** How far actions can be paged, and are counted. */
export const ACTIONS_START_MAX = 10_000;

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

export function listActions(
  ctx: Ctx,
  { target, start, limit }: ActionsPage,
): Promise<{ total: number; items: ListedAction[] }> {
  const isListed = target === undefined ? undefined : eq(operatorActions.target, target);
  const operator = sql<string>`coalesce(${operators.name}, ${operatorActions.opsKeyId}, '')`;
  return countedPage(ctx, {
    of: operatorActions,
    where: isListed,
    countMax: ACTIONS_START_MAX,
    page: ctx.db
      .select({
        id: operatorActions.id,
        at: operatorActions.at,
        operator: operator.as("operator"),
        action: operatorActions.action,
        target: operatorActions.target,
        before: operatorActions.before,
        after: operatorActions.after,
        requestId: operatorActions.requestId,
      })
      .from(operatorActions).leftJoin(operators, eq(operators.id, operatorActions.operatorId))
      .where(isListed).orderBy(desc(operatorActions.id)).limit(limit).offset(start),
    by: ["id"],
  });
}
