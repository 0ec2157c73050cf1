import assert from "node:assert/strict";
import { surfaceNames } from "../../routes/surfaces.ts";
import { openPg } from "../../db/client/pg.ts";
import { assertBooksHold, openTestDatabase, startTestApp } from "../harness.ts";
import { startPostgres } from "../services/postgres.ts";
import { readTables } from "../routes/trips_tables.ts";
import { FuzzPlace } from "./run.ts";

/** `deno task soak fuzz --seed … --surface … --operation … --path …` runs one failure again. */
const SEED = Math.floor(Math.random() * 2 ** 31);
const REQUEST_COUNT = 100;

const tables = await readTables();
// A real server where there is one, which is twice as fast.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

Deno.test("whatever is sent to an operation, the answer is one its document knows", async (t) => {
  const database = postgres ? openPg(await postgres.newDatabase()) : await openTestDatabase();
  await using _closing = { [Symbol.asyncDispose]: () => database.close() };
  await using app = await startTestApp({ database });
  for (const name of surfaceNames) {
    await t.step(name, async () => {
      const place = await FuzzPlace.open(app, name);
      const failures: string[] = [];
      for (const [operation, { call }] of Object.entries(tables.get(name)!)) {
        const failure = await place.run(operation, call, {
          requestCount: REQUEST_COUNT,
          seed: SEED,
        });
        if (failure) failures.push(failure);
      }
      assert.equal(failures.join("\n"), "");
      // Calls of which none gets past admission, or all do, would show nothing.
      const { requestCount, statuses } = place.figures;
      const okShare = statuses.get(200)! / requestCount;
      assert.ok(okShare > 0.1 && okShare < 0.9, `${okShare} of the answers are 200`);
    });
  }
  await assertBooksHold(app);
});
