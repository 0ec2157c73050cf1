import type { Database } from "../db/client.ts";
import { cleanup } from "./cleanup.ts";

const jobs = { cleanup };

/** `deno task job <name>`: runs one job now and prints its report as JSON. */
export async function runJobCommand(
  deps: { database: Database; now: () => Date },
  [name]: string[],
): Promise<void> {
  const job = name !== undefined && Object.hasOwn(jobs, name)
    ? jobs[name as keyof typeof jobs]
    : undefined;
  if (!job) throw new Error(`usage: deno task job <${Object.keys(jobs).join("|")}>`);
  console.log(JSON.stringify(await job(deps.now(), deps)));
}
