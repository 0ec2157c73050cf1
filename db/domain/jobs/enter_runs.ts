import { sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { bool, instant, maybe, rows, text } from "../../sql.ts";
import {
  type JobPlan,
  newestDuePeriod,
  periodsToEnter,
  periodsUpTo,
  refuseUndue,
} from "./rules.ts";
import { enterRuns } from "./runs.ts";

/** Held by whoever enters the first run of a job each period of which counts. */
const FIRST_RUN_LOCK = 7_000_100_003;

export async function enterDue(ctx: Ctx, plan: JobPlan): Promise<void> {
  const last = await readLast(ctx, plan);
  if (last !== undefined || plan.catchUp === "latest") return await enterAfter(ctx, plan, last);
  // Two whose clocks differ would enter two first runs, and leave out what is between them.
  await withTx(ctx, async (tx) => {
    await tx.db.execute(sql`select pg_advisory_xact_lock(${FIRST_RUN_LOCK})`);
    await enterAfter(tx, plan, await readLast(tx, plan));
  });
}

async function enterAfter(ctx: Ctx, plan: JobPlan, last: string | undefined): Promise<void> {
  await enterRuns(ctx, plan.name, periodsToEnter(plan.schedule, { ...plan, now: ctx.now(), last }));
}

export type Entered = "entered" | "reopened" | "unchanged";

/**
 * Enters the run for one period, with those missed before it where each counts, and gives it all
 * its tries again when it is dead; it goes on where its last committed chunk ended.
 * @throws {DomainError} `params_invalid` for a period that does not exist or is not due
 */
export async function enterAsked(ctx: Ctx, plan: JobPlan, period: string): Promise<Entered> {
  refuseUndue(plan.schedule, period, ctx.now());
  const periods = periodsUpTo(plan.schedule, {
    ...plan,
    period,
    last: await readLast(ctx, plan),
  });
  await enterRuns(ctx, plan.name, periods.slice(0, -1));
  const statement = sql`
    insert into job_runs (job, period, state, created_at)
    values (${plan.name}, ${period}, 'running', ${instant(ctx.now())})
    on conflict (job, period) do update set state = 'running', attempt_count = 0,
      lease_until = null, finished_at = null
      where job_runs.state = 'dead'
    returning xmax = 0 as is_new`;
  const [run] = await rows(ctx, statement, { isNew: bool });
  if (!run) return "unchanged";
  return run.isNew ? "entered" : "reopened";
}

/**
 * The newest period entered for a job that is not behind what is due, for a clock may have run
 * ahead; if all are, the oldest. A job that wants the latest only has no use for it.
 */
async function readLast(
  ctx: Ctx,
  { name, schedule, catchUp }: JobPlan,
): Promise<string | undefined> {
  if (catchUp === "latest") return undefined;
  const upTo = newestDuePeriod(schedule, ctx.now());
  const statement = sql`
    select coalesce(
      (select max(period) from job_runs where job = ${name} and period <= ${upTo}),
      (select min(period) from job_runs where job = ${name})) as newest`;
  return (await rows(ctx, statement, { newest: maybe(text) }))[0]!.newest;
}
