import { and, eq } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { jobRuns } from "../../schema/jobs.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import { enterAsked } from "./enter_runs.ts";
import { newestDuePeriod } from "./rules.ts";
import type { JobRunner } from "./runner.ts";
import type { RunState } from "./runs.ts";

export interface AskedRun extends RunState {
  id: number;
}

export interface RunRequest {
  name: string;
  /** Undefined: the newest that is due. */
  period: string | undefined;
  jobs: JobRunner;
  actor: OpsActor;
}

/**
 * Runs a job for one period because somebody asked, and writes down that they did. A run that is
 * done stays as it is, a dead one goes on with all its tries, and one somebody works on is theirs.
 * @returns how the run stands when it is done or its time is up; ticks go on with the rest
 * @throws {DomainError} `job_missing`; `params_invalid` for a period that does not exist or is not
 *   due
 */
export async function runAsked(
  ctx: Ctx,
  { name, period: asked, jobs, actor }: RunRequest,
): Promise<AskedRun> {
  const plan = jobs.plans.find((plan) => plan.name === name);
  if (!plan) throw new DomainError("job_missing");
  const period = asked ?? newestDuePeriod(plan.schedule, ctx.now());
  const found = await withTx(ctx, async (tx) => {
    const entered = await enterAsked(tx, plan, period);
    const after = await readAskedRun(tx, { name, period });
    const before = { entered: null, reopened: "dead" as const, unchanged: after.state }[entered];
    await recordAction(tx, {
      actor,
      action: "jobs.run",
      target: `job:${name}:${period}`,
      before: before && { state: before },
      after: { state: after.state },
    });
    return after;
  });
  if (found.state === "done") return found;
  await jobs.work(plan, period);
  return await readAskedRun(ctx, { name, period });
}

async function readAskedRun(
  ctx: Ctx,
  { name, period }: { name: string; period: string },
): Promise<AskedRun> {
  const [row] = await ctx.db
    .select({
      id: jobRuns.id,
      period: jobRuns.period,
      state: jobRuns.state,
      report: jobRuns.report,
      lastError: jobRuns.lastError,
    })
    .from(jobRuns).where(and(eq(jobRuns.job, name), eq(jobRuns.period, period))).limit(1);
  return row!;
}
