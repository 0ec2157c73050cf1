import { logTextOf } from "../config/runtime/log_text.ts";
import { contextFor, type Ctx, type Parts } from "../db/client/ctx.ts";
import { isDatabaseAway } from "../db/client/errors.ts";
import type { Readiness } from "../db/client/readiness.ts";
import { enterAsked, enterDue } from "../db/domain/jobs/enter_runs.ts";
import { type JobPlan, newestDuePeriod } from "../db/domain/jobs/rules.ts";
import {
  claimRun,
  commitChunk,
  failRun,
  LateWriterError,
  readRun,
  releaseRun,
  type Run,
  type RunState,
  type Step,
} from "../db/domain/jobs/runs.ts";
import type { Providers } from "../providers/providers.ts";

export interface JobDeps extends Parts {
  providers: Providers;
  log: (line: Record<string, unknown>) => void;
  /** Of a server, which ticks; absent where somebody asks for a job and sees what comes of it. */
  readiness?: Pick<Readiness, "isReady" | "watch">;
}

export interface ChunkInput {
  period: string;
  /** What the chunk before left; null at the first. */
  progress: unknown;
  providers: Providers;
  log?: JobDeps["log"] | undefined;
}

export interface Job extends JobPlan {
  /**
   * One bounded piece of the work, below 5 s. It runs in the transaction that also keeps its step,
   * unless the job `callsOut`: a transaction may not wait for other services, so such a chunk
   * guards its effects itself and only its step is committed.
   */
  chunk(ctx: Ctx, input: ChunkInput): Promise<Step>;
  callsOut?: boolean;
  /** Asks other services before a chunk, outside of its transaction; guards its effects itself. */
  ahead?(ctx: Ctx, input: ChunkInput): Promise<void>;
}

/** How long one tick works on one job, ms; what is left is the next tick's. */
export const TICK_BUDGET_MS = 20_000;
const RUN_COUNT_MAX = 100;

export interface RunOptions {
  /** Only this period, also when its run is dead. */
  period?: string | undefined;
  budgetMs?: number | undefined;
}

/**
 * Enters every period of the job that is due and has no run yet, then works on open runs, the
 * oldest first, as long as the budget lasts. Any number of processes may do this at once: a period
 * has one run, a run one worker.
 * @returns how the runs it worked on, or the run asked for, now stand
 */
export async function runDue(
  job: Job,
  deps: JobDeps,
  { period, budgetMs }: RunOptions = {},
): Promise<RunState[]> {
  const ctx = contextOf(job, deps);
  await (period === undefined ? enterDue(ctx, job) : enterAsked(ctx, job, period));
  const periods = await workOnOpen(job, deps, { period, budgetMs });
  const states = [...periods].map((period) => readRun(ctx, { job: job.name, period }));
  return (await Promise.all(states)).filter((state) => state !== undefined);
}

/** The second half of {@link runDue}; answers the periods it worked on, and the one asked for. */
export async function workOnOpen(
  job: Job,
  deps: JobDeps,
  { period, budgetMs = TICK_BUDGET_MS }: RunOptions,
): Promise<Set<string>> {
  const ctx = contextOf(job, deps);
  const endsAt = performance.now() + budgetMs;
  const periods = new Set<string>(period === undefined ? [] : [period]);
  for (let count = 0; count < RUN_COUNT_MAX; count++) {
    const run = await claimRun(ctx, { job: job.name, period });
    if (!run) break;
    periods.add(run.period);
    await workOn(ctx, job, deps, { run, endsAt });
    if (performance.now() >= endsAt) break;
  }
  return periods;
}

export async function readNewestRun(job: Job, deps: JobDeps): Promise<RunState | undefined> {
  const ctx = contextOf(job, deps);
  return await readRun(ctx, {
    job: job.name,
    period: newestDuePeriod(job.schedule, ctx.now()),
  });
}

export function contextOf({ name }: Pick<Job, "name">, deps: JobDeps): Ctx {
  return contextFor(deps, `job-${name}`);
}

async function workOn(
  ctx: Ctx,
  job: Job,
  deps: JobDeps,
  { run: claimed, endsAt }: { run: Run; endsAt: number },
): Promise<void> {
  let run = claimed;
  try {
    for (;;) {
      const input = { ...run, providers: deps.providers, log: deps.log };
      await job.ahead?.(ctx, input);
      const ahead = job.callsOut ? await job.chunk(ctx, input) : undefined;
      const step = await commitChunk(ctx, run, async (tx) => ahead ?? await job.chunk(tx, input));
      if (step.isLast) return;
      run = { ...run, progress: step.progress, tryCount: 1 };
      if (performance.now() >= endsAt) return await releaseRun(ctx, run);
    }
  } catch (error) {
    const isLate = error instanceof LateWriterError;
    const text = logTextOf(error);
    deps.log({
      level: isLate ? "info" : isDatabaseAway(error) ? "notice" : "error",
      msg: "job failed",
      job: job.name,
      period: run.period,
      error: text,
    });
    if (!isLate) await failRun(ctx, run, text);
  }
}
