import { type JobDeps, readNewestRun, runDue } from "../jobs/run.ts";
import { jobs } from "../jobs/schedule.ts";
import { parseWords, UsageError, usageErrorOf } from "./usage.ts";

const usage = `usage: deno task job <${
  jobs.map(({ name }) => name).join("|")
}> [--period <period>]`;

/**
 * Does what the job's tick does, now, and prints how its runs stand as JSON. A run that did not end
 * well makes the exit code 1.
 *
 * @throws {UsageError} for a job or a period there is not, or that is not due
 */
export async function runJobCommand(
  deps: JobDeps,
  args: string[],
  print: (line: string) => void = console.log,
): Promise<void> {
  const { name, period } = parseWords(args, { usage, options: { period: { type: "string" } } });
  const job = jobs.find((job) => job.name === name);
  if (!job) throw new UsageError(usage);
  const runs = await runDue(job, deps, { period }).catch((error) => {
    throw usageErrorOf(error, usage);
  });
  const newest = runs.length === 0 ? await readNewestRun(job, deps) : undefined;
  if (newest) runs.push(newest);
  for (const run of runs) print(JSON.stringify({ job: job.name, ...run }));
  if (runs.some(({ state }) => state !== "done")) Deno.exitCode = 1;
}
