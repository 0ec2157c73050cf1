import assert from "node:assert/strict";
import { loadSurface, surfaceNames } from "../../routes/surfaces.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { readTables } from "./trips_tables.ts";

/** An answer of any surface, as its client reads it. */
export interface TripsAnswer {
  http: number;
  headers: Headers;
  /** Of an envelope that has one; 1 is success. */
  status?: number;
  message?: string;
  data?: unknown;
}

/**
 * Trips to Postgres and Redis by operation, on a warm session. The budget is one and one for a
 * read, two and one for a write; what is above it says why, and whoever has just called is known
 * without asking Redis (docs/adr/warm-callers.md). A rise fails.
 */
export type TripsTable = Record<string, {
  sql: number;
  redis: number;
  why?: string;
  /** A call of the operation that does its work. */
  call(app: TestApp): Promise<TripsAnswer>;
}>;

const tables = await readTables();

Deno.test("every surface has a table", () => {
  assert.deepEqual([...tables.keys()].sort(), surfaceNames.toSorted());
});

/** A failure may cost less than the work would: only a call that worked is counted. */
function assertWorked({ http, status, message, data }: TripsAnswer): void {
  const said = message ?? JSON.stringify(data);
  assert.equal(http, 200, said);
  if (status !== undefined) assert.equal(status, 1, said);
}

for (const [surface, table] of tables) {
  Deno.test(`every operation of ${surface} costs the trips the table says`, async (t) => {
    await using app = await startTestApp({ env: { RATE_FACTOR: "1" } });
    for (const [operation, { sql, redis, call }] of Object.entries(table)) {
      await t.step(operation, async () => {
        const answer = await call(app);
        assertWorked(answer);
        const counted = /sql;desc="(\d+)".*redis;desc="(\d+)"/
          .exec(answer.headers.get("server-timing")!)!;
        assert.deepEqual({ sql: Number(counted[1]), redis: Number(counted[2]) }, { sql, redis });
      });
    }
  });

  Deno.test(`the table of ${surface} names every operation, and says why where it is above the budget`, async () => {
    const { endpoints } = await loadSurface(surface);
    const mounted = endpoints.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    assert.deepEqual(Object.keys(table).sort(), mounted.sort());
    for (const [operation, { sql, redis, why }] of Object.entries(table)) {
      const sqlBudget = operation.startsWith("GET") ? 1 : 2;
      assert.ok(why || (sql <= sqlBudget && redis <= 1), operation);
    }
  });
}
