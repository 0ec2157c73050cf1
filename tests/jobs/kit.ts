import { sql } from "drizzle-orm";
import type { Database } from "../../db/client/ctx.ts";
import type { Schedule } from "../../db/domain/jobs/rules.ts";
import type { Job, JobDeps } from "../../jobs/run.ts";
import type { Clock, TestApp } from "../harness.ts";

/** What jobs of a test work with; lines they log go to `logs`. */
export function jobDepsOf(app: TestApp, over: Partial<JobDeps> = {}): JobDeps {
  const { config, database, redis, bus, now, providers, logs } = app;
  return { config, database, redis, bus, now, providers, log: (line) => logs.push(line), ...over };
}

/** Stands the clock at a time of the test's choice. */
export function setClock(clock: Clock, time: string): void {
  clock.advance(Date.parse(time) - clock.now().getTime());
}

export const hourly: Schedule = { unit: "hour", due: "begun" };

/** A table of effects that shows every one of them. */
export async function createEffects({ db }: Database): Promise<void> {
  await db.execute(sql`create table effects (id bigint generated always as identity,
    period text not null, chunk int not null, worker text not null)`);
}

export interface Effect extends Record<string, unknown> {
  period: string;
  chunk: number;
  worker: string;
}

export async function readEffects({ db }: Pick<Database, "db">): Promise<Effect[]> {
  const { rows } = await db.execute<Effect>(
    sql`select period, chunk, worker from effects order by period, chunk, id`,
  );
  return rows.map((row) => ({ ...row }));
}

export interface CountingJob {
  name?: string;
  catchUp?: Job["catchUp"];
  worker?: string;
  chunkCount?: number;
  /** Called inside the chunk's transaction, after its effect. */
  afterEffect?: (chunk: number) => Promise<void> | void;
}

/** A job that leaves one effect for each chunk. */
export function countingJob(options: CountingJob = {}): Job {
  const { name = "count", catchUp = "each", worker = "a", chunkCount = 3, afterEffect } = options;
  return {
    name,
    catchUp,
    cron: "0 * * * *",
    schedule: hourly,
    async chunk(ctx, { period, progress }) {
      const chunk = (progress as { chunk: number } | null)?.chunk ?? 0;
      await ctx.db.execute(
        sql`insert into effects (period, chunk, worker) values (${period}, ${chunk}, ${worker})`,
      );
      await afterEffect?.(chunk);
      return {
        progress: { chunk: chunk + 1 },
        report: { chunks: chunk + 1 },
        isLast: chunk + 1 === chunkCount,
      };
    },
  };
}
