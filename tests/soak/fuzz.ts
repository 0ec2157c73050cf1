import { parseArgs } from "node:util";
import { type SurfaceName, surfaceNames } from "../../routes/surfaces.ts";
import { FuzzPlace } from "../fuzz/run.ts";
import { startTestApp } from "../harness.ts";
import { readTables } from "../routes/trips_tables.ts";

/** The longest any answer may take, ms. */
const SLOW_MS = 2_000;

/**
 * `deno task soak fuzz`: broken requests to every operation (`--requests` each, `--surface`,
 * `--operation`, `--seed`, `--path`); @returns whether every answer was one the documents know
 */
export async function fuzz(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      requests: { type: "string", default: "1000" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
      surface: { type: "string" },
      operation: { type: "string" },
      path: { type: "string" },
    },
  });
  const { seed, surface } = values;
  if (surface !== undefined && !surfaceNames.includes(surface as SurfaceName)) {
    console.error(`--surface is one of ${surfaceNames.join(", ")}`);
    return false;
  }
  console.log(`fuzz: ${values.requests} requests an operation, seed ${seed}`);
  let isWell = true;
  // Nobody waits for what a request leaves behind: it may fail when the answer is long gone.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    isWell = false;
    console.error("unhandled rejection:", event.reason);
  });
  const tables = await readTables();
  await using app = await startTestApp();
  for (const name of surface ? [surface as SurfaceName] : surfaceNames) {
    const place = await FuzzPlace.open(app, name);
    for (const [operation, { call }] of Object.entries(tables.get(name)!)) {
      if (values.operation !== undefined && values.operation !== operation) continue;
      const failure = await place.run(operation, call, {
        requestCount: Number(values.requests),
        seed: Number(seed),
        path: values.path,
        slowMs: SLOW_MS,
      });
      if (!failure) continue;
      isWell = false;
      console.error(failure);
    }
    const { requestCount, captureCount, slowestMs, slowestOperation, statuses } = place.figures;
    const counts = [...statuses].sort(([a], [b]) => a - b).map(([it, count]) => `${it}: ${count}`);
    console.log(
      `${name.padEnd(8)} ${requestCount} requests of ${captureCount} valid ones; ` +
        `${counts.join(", ")}; slowest ${Math.round(slowestMs)} ms (${slowestOperation})`,
    );
  }
  return isWell;
}
