import assert from "node:assert/strict";
import { runKills } from "../money_model/kill_load.ts";
import { startPostgres } from "../services/postgres.ts";

// On a real server: PGlite has no connections to cut.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

/** `deno task soak money --kills 2000` cuts more. */
const KILL_COUNT = 500;

Deno.test({
  name: `${KILL_COUNT} database connections cut under mixed payments cost nobody anything`,
  ignore: !postgres,
}, async () => {
  const figures = await runKills(postgres!, { killCount: KILL_COUNT });
  console.log(figures);
  assert.equal(figures.kills, KILL_COUNT);
  assert.ok(figures["refused for now"] > KILL_COUNT / 10, "the kills were felt");
  assert.ok(figures["done before"] > 0, "some answers were lost");
});
