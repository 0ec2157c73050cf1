import assert from "node:assert/strict";
import { loadSurface } from "../../routes/surfaces.ts";
import type { GatewayAnswer } from "../gateway_client.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { readTables } from "./trips_tables.ts";

/**
 * Trips to Postgres and Redis by operation, on a warm session. The budget is one and one for a
 * read, two and one for a write; what is above it says why. A rise fails.
 */
export type TripsTable = Record<string, {
  sql: number;
  redis: number;
  why?: string;
  /** A call of the operation that does its work. */
  call(app: TestApp): Promise<Pick<GatewayAnswer, "headers" | "status" | "message">>;
}>;

const table = await readTables();

Deno.test("every operation costs the trips the table says", async (t) => {
  await using app = await startTestApp({ env: { RATE_FACTOR: "1" } });
  for (const [operation, { sql, redis, call }] of Object.entries(table)) {
    await t.step(operation, async () => {
      const answer = await call(app);
      assert.equal(answer.status, 1, answer.message);
      const counted = /sql;desc="(\d+)".*redis;desc="(\d+)"/
        .exec(answer.headers.get("server-timing")!)!;
      assert.deepEqual({ sql: Number(counted[1]), redis: Number(counted[2]) }, { sql, redis });
    });
  }
});

Deno.test("the table of trips names every operation, and says why where it is above the budget", async () => {
  const { endpoints } = await loadSurface("gateway");
  const mounted = endpoints.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  assert.deepEqual(Object.keys(table).sort(), mounted.sort());
  for (const [operation, { sql, redis, why }] of Object.entries(table)) {
    const sqlBudget = operation.startsWith("GET") ? 1 : 2;
    assert.ok(why || (sql <= sqlBudget && redis <= 1), operation);
  }
});
