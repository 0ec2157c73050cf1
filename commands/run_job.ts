import { type JobDeps, readNewestRun, runDue } from "../jobs/run.ts";
import { jobs } from "../jobs/schedule.ts";

const USAGE = `usage: deno task job <${
  jobs.map(({ name }) => name).join("|")
}> [--period <period>]`;

/** The command's words are off; the message says which there are. */
class UsageError extends Error {
  override name = "UsageError";
  constructor() {
    super(USAGE);
  }
}

/**
 * `deno task job <name> [--period 202102]`: does what the job's tick does, now, and prints how its
 * runs stand as JSON. A run that did not end well makes the exit code 1.
 */
export async function runJobCommand(
  deps: JobDeps,
  args: string[],
  print: (line: string) => void = console.log,
): Promise<void> {
  const [name, flag, period, ...rest] = args;
  const job = jobs.find((job) => job.name === name);
  const isWellFormed = flag === undefined || flag === "--period" && period !== undefined;
  if (!job || !isWellFormed || rest.length > 0) throw new UsageError();
  const runs = await runDue(job, deps, { period });
  const newest = runs.length === 0 ? await readNewestRun(job, deps) : undefined;
  if (newest) runs.push(newest);
  for (const run of runs) print(JSON.stringify({ job: job.name, ...run }));
  if (runs.some(({ state }) => state !== "done")) Deno.exitCode = 1;
}
