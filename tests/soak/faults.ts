import { parseArgs } from "node:util";
import { faultCases, type FaultSizes } from "./fault_cases.ts";
import { type FaultRow, openFaultPlace } from "./fault_place.ts";
import { Findings } from "./findings.ts";

/** The longest `/healthz` may take, whatever goes on, ms. */
const HEALTH_MS_MAX = 1_000;

/**
 * `deno task soak faults`: everything that can be done to a server from outside, one after the
 * other (`--sockets`, `--outage-seconds`); prints a table; @returns whether all was well
 */
export async function faults(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      sockets: { type: "string", default: "10000" },
      "outage-seconds": { type: "string", default: "20" },
    },
  });
  const findings = new Findings();
  const rows = await runFaults(findings, {
    descriptorsMax: 300,
    bodyCount: 20,
    uploadCount: 1_000,
    slowCount: 500,
    slowMs: 20_000,
    socketCount: Number(values.sockets),
    outageMs: Number(values["outage-seconds"]) * 1_000,
  }, print);
  if (!rows) return false;
  for (const { name, healthSlowestMs } of rows) {
    if (healthSlowestMs > HEALTH_MS_MAX) {
      findings.add(`${name}: /healthz took ${Math.round(healthSlowestMs)} ms`);
    }
  }
  if (findings.count > 0) console.error(`\n${findings.count} findings:\n${findings}`);
  return findings.count === 0;
}

/** Undefined where there is no PostgreSQL or Redis. */
export async function runFaults(
  findings: Findings,
  sizes: FaultSizes,
  seen: (row: FaultRow) => void = () => {},
): Promise<FaultRow[] | undefined> {
  await using place = await openFaultPlace(findings);
  if (!place) return undefined;
  const rows: FaultRow[] = [];
  for await (const row of faultCases(place, sizes)) {
    rows.push(row);
    seen(row);
  }
  return rows;
}

function print(
  { name, done, healthCount, healthSlowestMs, statuses, recoveredMs }: FaultRow,
): void {
  const answers = [...statuses].map(([status, count]) => `${status}: ${count}`).join(", ");
  const columns = [
    name.padEnd(24),
    done.padEnd(32),
    `/healthz ${healthCount} times, slowest ${Math.round(healthSlowestMs)} ms`.padEnd(42),
    answers.padEnd(24),
    recoveredMs === undefined ? "not well" : `well after ${Math.round(recoveredMs)} ms`,
  ];
  console.log(columns.join(""));
}
