import { z } from "zod";
import { type ListedJob, listJobs } from "../../db/domain/jobs/list_jobs.ts";
import { runAsked } from "../../db/domain/jobs/run_asked.ts";
import { timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

const PERIOD_LENGTH_MAX = 32;

const State = z.enum(["running", "done", "dead"])
  .describe("`dead`: failed too often, and waits for somebody to run it again");
const Period = z.string().describe("`202102`, `2021-02-03`, `2021-02-03T04Z`, `2021-02-03T04:05Z`");

const JobRecord = z.object({
  name: z.string(),
  schedule: z.string().describe("cron, UTC"),
  last_run: z.object({
    period: Period,
    state: State,
    report: z.unknown(),
    started_at: z.string(),
    finished_at: z.string().nullable(),
    error: z.string().nullable().describe("Why its last try failed"),
  }).nullable(),
  next_run: z.string().describe("When its next period is due; the tick after that runs it"),
  missed: z.number().int().describe(
    "Due periods that have no run that is done; of jobs that only run the newest, that one",
  ),
  dead: z.array(Period).describe("Of a job each period of which counts: those given up"),
});

function jobRecord({ lastRun, ...job }: ListedJob): z.input<typeof JobRecord> {
  return {
    name: job.name,
    schedule: job.cron,
    last_run: lastRun && {
      period: lastRun.period,
      state: lastRun.state,
      report: lastRun.report,
      started_at: timeText(lastRun.startedAt),
      finished_at: lastRun.finishedAt && timeText(lastRun.finishedAt),
      error: lastRun.error,
    },
    next_run: timeText(job.nextDueAt),
    missed: job.missedCount,
    dead: job.deadPeriods,
  };
}

export const list = endpoint({
  method: "get",
  path: "/v1/jobs",
  summary: "See what is run by the clock, and how it went",
  needs: "jobs.read",
  data: z.object({ items: z.array(JobRecord) }),
  async handle({ ctx, jobs }) {
    return { items: (await listJobs(ctx, jobs.plans)).map(jobRecord) };
  },
});

export const run = endpoint({
  method: "post",
  path: "/v1/jobs/{name}/run",
  summary: "Run a job now",
  description: "Answers when the run is done, or after 20 seconds: it then goes on by itself. A " +
    "period is run once: run again, nothing happens. A dead run goes on where it failed, with all " +
    "its tries. A run that failed and rests, or that somebody works on, is answered as it stands.",
  needs: "jobs.run",
  params: z.object({ name: z.string().max(64) }),
  body: z.object({
    period: Period.max(PERIOD_LENGTH_MAX).optional().describe("Absent: the newest that is due"),
  }),
  data: z.object({
    run_id: z.number().int(),
    period: Period,
    state: State,
    report: z.unknown(),
    error: z.string().nullable(),
  }),
  errors: ["job_missing"],
  async handle({ params: { name }, body: { period }, actor, ctx, jobs }) {
    const asked = await runAsked(ctx, { name, period, jobs, actor });
    return {
      run_id: asked.id,
      period: asked.period,
      state: asked.state,
      report: asked.report,
      error: asked.lastError,
    };
  },
});
