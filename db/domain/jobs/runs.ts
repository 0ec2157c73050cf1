import { and, eq, sql } from "drizzle-orm";
import { withDeadline } from "../../../config/runtime/deadline.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { jobRuns, type jobStates } from "../../schema/jobs.ts";
import { instant, int4, int8, rows, text, typed } from "../../sql.ts";
import { restAfter, RUN_TRY_COUNT_MAX } from "./rules.ts";

/** How long a chunk may take, and a run is ours after the last one, ms. */
export const CHUNK_TIMEOUT_MS = 5_000;
export const RUN_LEASE_MS = 30_000;
const ERROR_LENGTH_MAX = 500;

export interface Run {
  id: number;
  period: string;
  fence: number;
  /** Tries since it last got anywhere, this one included. */
  tryCount: number;
  /** Where the last committed chunk ended; null before the first. */
  progress: unknown;
}

export interface Step {
  progress: unknown;
  report: unknown;
  isLast: boolean;
}

export interface RunState {
  period: string;
  state: (typeof jobStates)[number];
  report: unknown;
  lastError: string | null;
}

/** Somebody else claimed the run: what we did since is rolled back. */
export class LateWriterError extends Error {
  override name = "LateWriterError";
  constructor({ period, fence }: Run) {
    super(`the run for ${period} was claimed by another worker after fence ${fence}`);
  }
}

export async function enterRuns(ctx: Ctx, job: string, periods: string[]): Promise<void> {
  if (periods.length === 0) return;
  await ctx.db.insert(jobRuns)
    .values(
      periods.map((period) => ({ job, period, createdAt: ctx.now(), state: "running" as const })),
    )
    .onConflictDoNothing();
}

const claimed = {
  id: int8,
  period: text,
  state: text,
  fence: int4,
  tryCount: int4,
  progress: typed<unknown>(),
};

/**
 * Claims the oldest run of a job that nobody works on, or the one for `period`. One that was
 * claimed too often without getting anywhere (its worker died each time) is declared dead instead.
 */
export async function claimRun(
  ctx: Ctx,
  { job, period }: { job: string; period?: string | undefined },
): Promise<Run | undefined> {
  const now = ctx.now();
  const at = instant(now);
  const leaseEnd = instant(new Date(now.getTime() + RUN_LEASE_MS));
  const isSpent = sql`attempt_count >= ${sql.raw(String(RUN_TRY_COUNT_MAX))}`;
  const statement = sql`
    with free as (
      select id from job_runs
      where job = ${job} and state = 'running' and (lease_until is null or lease_until <= ${at})
        and ${period === undefined ? sql`true` : sql`period = ${period}`}
      order by period limit 1 for update skip locked
    )
    update job_runs set fence = fence + 1, attempt_count = attempt_count + 1,
      lease_until = ${leaseEnd},
      state = case when ${isSpent} then 'dead' else state end,
      finished_at = case when ${isSpent} then ${at} end,
      last_error = case when ${isSpent} then coalesce(last_error, 'no worker came back')
        else last_error end
    from free where job_runs.id = free.id
    returning job_runs.id, period, state, fence, attempt_count as try_count, progress`;
  for (;;) {
    const [run] = await rows(ctx, statement, claimed);
    if (run?.state !== "dead") return run;
  }
}

/** @throws {LateWriterError} when somebody else has claimed the run: nothing is committed */
export async function commitChunk(
  ctx: Ctx,
  run: Run,
  chunk: (ctx: Ctx) => Promise<Step>,
): Promise<Step> {
  return await withTx(ctx, (ctx) =>
    withDeadline("a job's chunk", CHUNK_TIMEOUT_MS, async () => {
      const step = await chunk(ctx);
      await keepStep(ctx, run, step);
      return step;
    }));
}

/** The fence is compared last, under the row's lock: no later claim can come before the commit. */
async function keepStep(ctx: Ctx, run: Run, { progress, report, isLast }: Step): Promise<void> {
  const now = ctx.now();
  const kept = await ctx.db.update(jobRuns)
    .set({
      // Tries are counted from the last progress on, this one included.
      progress,
      report,
      attemptCount: 1,
      lastError: null,
      ...isLast
        ? { state: "done" as const, finishedAt: now, leaseUntil: null }
        : { leaseUntil: new Date(now.getTime() + RUN_LEASE_MS) },
    })
    .where(stillOurs(run)).returning({ id: jobRuns.id });
  if (kept.length === 0) throw new LateWriterError(run);
}

const stillOurs = ({ id, fence }: Run) =>
  and(eq(jobRuns.id, id), eq(jobRuns.fence, fence), eq(jobRuns.state, "running"));

export async function releaseRun(ctx: Ctx, run: Run): Promise<void> {
  await ctx.db.update(jobRuns).set({ leaseUntil: null, attemptCount: 0 }).where(stillOurs(run));
}

export async function failRun(ctx: Ctx, run: Run, error: string): Promise<void> {
  const now = ctx.now();
  const isDead = run.tryCount >= RUN_TRY_COUNT_MAX;
  await ctx.db.update(jobRuns)
    .set({
      lastError: error.slice(0, ERROR_LENGTH_MAX),
      leaseUntil: new Date(now.getTime() + restAfter(run.tryCount)),
      ...isDead && { state: "dead" as const, finishedAt: now },
    })
    .where(stillOurs(run));
}

export async function readRun(
  ctx: Ctx,
  { job, period }: { job: string; period: string },
): Promise<RunState | undefined> {
  const [row] = await ctx.db
    .select({
      period: jobRuns.period,
      state: jobRuns.state,
      report: jobRuns.report,
      lastError: jobRuns.lastError,
    })
    .from(jobRuns).where(and(eq(jobRuns.job, job), eq(jobRuns.period, period))).limit(1);
  return row;
}
