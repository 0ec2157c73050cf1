import assert from "node:assert/strict";
import { runKills } from "../money_model/kill_load.ts";
import { startPostgres } from "../services/postgres.ts";

// On a real server: PGlite has no connections to cut.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

/** `deno task soak money --kills 2000` cuts more. */
const KILL_COUNT = 500;
/** About three answers of a round are lost; of a round without any there is another one. */
const ROUND_COUNT_MAX = 4;

Deno.test({
  name: `${KILL_COUNT} database connections cut under mixed payments cost nobody anything`,
  ignore: !postgres,
}, async () => {
  for (let round = 1;; round++) {
    const figures = await runKills(postgres!, { killCount: KILL_COUNT });
    console.log(figures);
    assert.equal(figures.kills, KILL_COUNT);
    assert.ok(figures["refused for now"] > KILL_COUNT / 10, "the kills were felt");
    if (figures["done before"] > 0) break;
    assert.ok(round < ROUND_COUNT_MAX, "some answers were lost");
  }
});
