import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import type { jobStates } from "../../schema/jobs.ts";
import {
  bool,
  int8,
  maybe,
  milliseconds,
  nullable,
  type Row,
  rows,
  text,
  time,
  typed,
} from "../../sql.ts";
import { type JobPlan, missedCount, newestDuePeriod, nextDueAt } from "./rules.ts";

const DEAD_COUNT_MAX = 20;
const OPEN_COUNT_MAX = 10_000;

export interface ListedRun {
  period: string;
  state: (typeof jobStates)[number];
  report: unknown;
  startedAt: Date;
  finishedAt: Date | null;
  error: string | null;
}

export interface ListedJob {
  name: string;
  cron: string;
  /** The newest period's. */
  lastRun: ListedRun | null;
  nextDueAt: Date;
  missedCount: number;
  /** Of a job each period of which counts: those given up, newest first. */
  deadPeriods: string[];
}

const columns = {
  period: nullable(text),
  state: typed<ListedRun["state"]>(),
  report: typed<unknown>(),
  startedAt: time,
  finishedAt: nullable(time),
  error: nullable(text),
  last: maybe(text),
  openCount: int8,
  isNewestDone: bool,
  deadPeriods: typed<string[] | null>(),
};

export async function listJobs(ctx: Ctx, plans: readonly JobPlan[]): Promise<ListedJob[]> {
  const now = ctx.now();
  const given = plans.map(({ name, schedule, catchUp }) => ({
    name,
    up_to: newestDuePeriod(schedule, now),
    is_each: catchUp === "each",
  }));
  const statement = sql`
    select newest.*, so_far.*, open.open_count, dead.dead_periods
    from rows from (jsonb_to_recordset(${JSON.stringify(given)}::jsonb)
        as (name text, up_to text, is_each boolean)) with ordinality
        as given (name, up_to, is_each, position)
      left join lateral (
        select period, state, report, last_error as error,
          ${milliseconds(sql`created_at`)} as started_at,
          ${milliseconds(sql`finished_at`)} as finished_at
        from job_runs where job = given.name order by period desc limit 1
      ) as newest on true
      cross join lateral (
        select coalesce(
            (select max(period) from job_runs where job = given.name and period <= given.up_to),
            (select min(period) from job_runs where job = given.name)) as last,
          exists (select from job_runs
            where job = given.name and period = given.up_to and state = 'done') as is_newest_done
      ) as so_far
      cross join lateral (
        select count(*) as open_count from (
          select from job_runs
          where given.is_each and job = given.name and state <> 'done' and period <= given.up_to
          limit ${OPEN_COUNT_MAX}) as counted
      ) as open
      cross join lateral (
        select jsonb_agg(period order by period desc) as dead_periods from (
          select period from job_runs
          where given.is_each and job = given.name and state = 'dead'
          order by period desc limit ${DEAD_COUNT_MAX}) as named
      ) as dead
    order by given.position`;
  const standings = await rows(ctx, statement, columns);
  return plans.map((plan, at) => listedJob(plan, standings[at]!, now));
}

function listedJob(plan: JobPlan, standing: Row<typeof columns>, now: Date): ListedJob {
  const { period, state, report, startedAt, finishedAt, error, deadPeriods, ...soFar } = standing;
  return {
    name: plan.name,
    cron: plan.cron,
    lastRun: period === null ? null : { period, state, report, startedAt, finishedAt, error },
    nextDueAt: nextDueAt(plan.schedule, now),
    missedCount: missedCount(plan, { ...soFar, now }),
    deadPeriods: deadPeriods ?? [],
  };
}
