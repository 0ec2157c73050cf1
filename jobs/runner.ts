import { lazy } from "../config/runtime/lazy.ts";
import type { JobRunner } from "../db/domain/jobs/runner.ts";
import type { JobDeps } from "./run.ts";
import { jobs } from "./schedule.ts";

/** The last chunk is begun within this, and over before the caller has waited 20 s, ms. */
const ASKED_BUDGET_MS = 14_000;

const loadRun = lazy(() => import("./run.ts"));

/** The jobs as the ops surface, which may not import them, gets at them. */
export function openJobRunner(deps: JobDeps): JobRunner {
  return {
    plans: jobs,
    async work({ name }, period) {
      const job = jobs.find((job) => job.name === name)!;
      const { workOnOpen } = await loadRun();
      await workOnOpen(job, deps, { period, budgetMs: ASKED_BUDGET_MS });
    },
  };
}
