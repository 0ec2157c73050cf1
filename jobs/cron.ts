import { lazy } from "../config/runtime/lazy.ts";
import { logTextOf } from "../config/runtime/log_text.ts";
import { isDatabaseAway } from "../db/client/errors.ts";
import type { Job, JobDeps } from "./run.ts";

type Log = JobDeps["log"];

const loadRun = lazy(() => import("./run.ts"));

/**
 * Registers a tick for each job with `Deno.cron`. The platform takes registrations only while the
 * main module is evaluated, before anything else is open, so the handlers wait for `ready`.
 */
export function registerCron(
  jobs: Job[],
  ready: Promise<JobDeps>,
  log: Log,
  cron: typeof Deno.cron | undefined = Deno.cron,
): void {
  if (typeof cron !== "function") {
    log({ level: "info", msg: "no Deno.cron here (it needs --unstable-cron): jobs run by hand" });
    return;
  }
  for (const job of jobs) cron(job.name, job.cron, async () => await tick(job, await ready));
}

/** Preview and branch deployments fire ticks too, and must not touch anybody's data. */
export function mayRunJobs({ config: { timeline } }: Pick<JobDeps, "config">): boolean {
  return timeline === undefined || timeline === "production";
}

/**
 * One tick of one job. It never throws: the next tick goes on with whatever is left. While the
 * database is not ready there are none: it is said once a minute anyway.
 */
export async function tick(job: Job, deps: JobDeps): Promise<void> {
  if (!mayRunJobs(deps) || deps.readiness?.isReady() === false) return;
  try {
    const { runDue } = await loadRun();
    for (const run of await runDue(job, deps)) {
      deps.log({ level: "info", msg: "job", job: job.name, ...run });
    }
  } catch (error) {
    const text = logTextOf(error);
    const isAway = isDatabaseAway(error);
    const level = isAway ? "notice" : "error";
    deps.log({ level, msg: "job tick failed", job: job.name, error: text });
    if (isAway) deps.readiness?.watch();
  }
}
