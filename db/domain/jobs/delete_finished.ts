import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, int8, rows } from "../../sql.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/**
 * How long finished runs and finished work are kept for questions, ms; dead ones stay, but for
 * those of messages, of which a service that is away for a day leaves any number.
 */
const RUN_KEPT_MS = 30 * DAY_MS;
const WORK_KEPT_MS = 7 * DAY_MS;

export interface FinishedDeleted {
  job_runs: number;
  pending_work: number;
}

/**
 * Deletes finished work and finished runs of minutes and hours, at most `limit` of each. Runs of
 * days and months stay: their period may never be run again. So does the newest run of any job,
 * from which missed periods are counted.
 */
export async function deleteFinished(ctx: Ctx, limit: number): Promise<FinishedDeleted> {
  const before = (ms: number) => instant(new Date(ctx.now().getTime() - ms));
  const statement = sql`
    with old_runs as (
      delete from job_runs where id in (
        select id from job_runs as old
        where state = 'done' and period like '%T%' and finished_at < ${before(RUN_KEPT_MS)}
          and exists (select 1 from job_runs as newer
            where newer.job = old.job and newer.period > old.period)
        limit ${limit})
      returning id
    ), old_work as (
      delete from pending_work where id in (
        select id from pending_work where done_at < ${before(WORK_KEPT_MS)}
          or (dead_at < ${before(WORK_KEPT_MS)} and kind in ('message_sent', 'message_push'))
        limit ${limit})
      returning id
    )
    select (select count(*) from old_runs) as runs, (select count(*) from old_work) as work`;
  const [deleted] = await rows(ctx, statement, { runs: int8, work: int8 });
  return { job_runs: deleted!.runs, pending_work: deleted!.work };
}
