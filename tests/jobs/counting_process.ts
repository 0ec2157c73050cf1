import { sql } from "drizzle-orm";
import { openPg } from "../../db/client/pg.ts";
import { type JobDeps, runDue } from "../../jobs/run.ts";
import { countingJob } from "./kit.ts";

/**
 * A process to kill: `deno run counting_process.ts <database URL> <ms ahead> <worker>` works on
 * the counting job until nothing is left. Its clock runs ahead, so that leases end without a wait.
 */
const [url, aheadMs, worker] = Deno.args as [string, string, string];

/** Long enough to be killed in, ms. */
const CHUNK_MS = 20;
export const CHUNK_COUNT = 4;

if (import.meta.main) {
  const database = openPg(url);
  const deps = {
    database,
    redis: {},
    log: (line: object) => console.error(JSON.stringify(line)),
    now: () => new Date(Date.now() + Number(aheadMs)),
  } as unknown as JobDeps;
  const job = countingJob({ worker, chunkCount: CHUNK_COUNT });
  const { chunk } = job;
  job.chunk = async (ctx, input) => {
    const step = await chunk(ctx, input);
    await ctx.db.execute(sql`select pg_sleep(${CHUNK_MS / 1000}::float)`);
    return step;
  };
  await database.db.execute(sql`select 1`);
  console.log("ready");
  for (;;) if ((await runDue(job, deps)).length === 0) break;
  await database.close();
}
