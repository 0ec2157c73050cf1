import assert from "node:assert/strict";
import { runPrograms } from "../money_model/run.ts";
import { sized } from "../size.ts";

/** Enough for every kind of act; `deno task soak money` runs thousands. */
const PROGRAM_COUNT = sized({ suite: 30, full: 80 });

Deno.test(`${PROGRAM_COUNT} random programs leave the money where a model in memory has it`, async () => {
  const { outcomes, ...figures } = await runPrograms({ programCount: PROGRAM_COUNT });
  console.log(figures, `${Object.keys(outcomes).length} kinds of outcome`);
  // Programs that only ever run into refusals would prove nothing.
  assert.ok(figures.calls > PROGRAM_COUNT * 5 && figures.refusals < figures.calls / 2);
});
