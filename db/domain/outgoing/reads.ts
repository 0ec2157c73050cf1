import { desc, eq, isNotNull, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { pendingWork } from "../../schema/jobs.ts";
import { DEAD_LETTERS_START_MAX } from "./rules.ts";

/** Work for another service as operators see it. */
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

/**
 * One page of dead letters, the latest to die first, and how many there are: counted up to
 * {@link DEAD_LETTERS_START_MAX}, which is as far as anybody may page. One statement.
 */
export async function listDeadLetters(
  ctx: Ctx,
  { start, limit }: { start: number; limit: number },
): Promise<{ total: number; items: ListedWork[] }> {
  const isDead = isNotNull(pendingWork.deadAt);
  const counted = ctx.db.select({ one: sql`1`.as("one") }).from(pendingWork).where(isDead)
    .limit(DEAD_LETTERS_START_MAX).as("counted");
  const whole = ctx.db.select({ total: sql<string>`count(*)`.as("total") }).from(counted)
    .as("whole");
  const page = ctx.db.select(columns).from(pendingWork).where(isDead)
    .orderBy(desc(pendingWork.deadAt), desc(pendingWork.id)).limit(limit).offset(start).as("page");
  const rows = await ctx.db.select().from(whole).leftJoin(page, sql`true`)
    .orderBy(desc(page.deadAt), desc(page.id));
  return {
    total: Number(rows[0]!.whole.total),
    items: rows.flatMap(({ page }) => page === null ? [] : [page]),
  };
}
