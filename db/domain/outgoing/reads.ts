import { desc, eq, isNotNull } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { pendingWork } from "../../schema/jobs.ts";
import { countedPage } from "../paging/counted_page.ts";
import { DEAD_LETTERS_START_MAX } from "./rules.ts";

export interface ListedWork {
  id: number;
  kind: string;
  payload: unknown;
  attemptCount: number;
  lastError: string | null;
  createdAt: Date;
  dueAt: Date;
  doneAt: Date | null;
  /** Null: it is no dead letter, or none any more. */
  deadAt: Date | null;
}

const columns = {
  id: pendingWork.id,
  kind: pendingWork.kind,
  payload: pendingWork.payload,
  attemptCount: pendingWork.attemptCount,
  lastError: pendingWork.lastError,
  createdAt: pendingWork.createdAt,
  dueAt: pendingWork.dueAt,
  doneAt: pendingWork.doneAt,
  deadAt: pendingWork.deadAt,
};

export async function readWork(ctx: Ctx, id: number): Promise<ListedWork | undefined> {
  const [work] = await ctx.db.select(columns).from(pendingWork).where(eq(pendingWork.id, id))
    .limit(1);
  return work;
}

export function listDeadLetters(
  ctx: Ctx,
  { start, limit }: { start: number; limit: number },
): Promise<{ total: number; items: ListedWork[] }> {
  const isDead = isNotNull(pendingWork.deadAt);
  return countedPage(ctx, {
    of: pendingWork,
    where: isDead,
    countMax: DEAD_LETTERS_START_MAX,
    page: ctx.db.select(columns).from(pendingWork).where(isDead)
      .orderBy(desc(pendingWork.deadAt), desc(pendingWork.id)).limit(limit).offset(start),
    by: ["deadAt", "id"],
  });
}
