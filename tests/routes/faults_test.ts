import assert from "node:assert/strict";
import { runFaults } from "../soak/faults.ts";
import { Findings } from "../soak/findings.ts";

Deno.test("whatever happens around it, the server lives, answers /healthz and recovers", async () => {
  const findings = new Findings();
  const rows = await runFaults(findings, {
    descriptorsMax: 200,
    bodyCount: 4,
    uploadCount: 100,
    slowCount: 20,
    slowMs: 1_500,
    socketCount: 200,
    outageMs: 1_500,
  });
  if (!rows) return;
  assert.equal(findings.count, 0, `${findings}`);
  // A fault during which nobody asked would have shown nothing.
  for (const { name, healthCount, statuses } of rows) {
    assert.ok(healthCount > 0 && statuses.size > 0, name);
  }
  const during = (name: string) => [...rows.find((row) => row.name === name)!.statuses.keys()];
  assert.ok(during("PostgreSQL killed").includes(503));
  assert.ok(!during("Redis killed").includes(503));
});
