import assert from "node:assert/strict";
import { sized } from "../../size.ts";
import { runDelivery } from "../../soak/delivery.ts";
import { WAYS } from "../../soak/plan.ts";

/** The same plan again: `deno task soak delivery --clients 12 --messages 300 --seed …`. */
const SEED = Math.floor(Math.random() * 2 ** 31);
const MESSAGE_COUNT = sized({ suite: 300, full: 1_000 });

Deno.test("whatever is lost on the way, everybody has every message once, in order", async () => {
  const outcome = await runDelivery({
    clientCount: 12,
    messageCount: MESSAGE_COUNT,
    seed: SEED,
    secondsBetweenKills: 0.3,
    redisRestartCount: 1,
  });
  if (!outcome) return;
  const { figures, findings } = outcome;
  assert.equal(findings.count, 0, `seed ${SEED}:\n${findings}`);
  assert.equal(figures["messages accepted"], MESSAGE_COUNT);
  assert.equal(figures["Redis restarts"], 1);
  for (const way of WAYS) assert.ok(figures[`clients by ${way}`]! >= 2, way);
  // A run in which nothing went wrong would have shown nothing.
  for (const name of ["backend kills", "reconnects", "resends", "first known by sync"]) {
    assert.ok(figures[name]! >= 3, `${name}: ${figures[name]}`);
  }
});
