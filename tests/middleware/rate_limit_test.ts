import assert from "node:assert/strict";
import {
  countersOf,
  isOver,
  perAddress,
  perUser,
  windowAt,
  windowKeys,
} from "../../middleware/rate_limit.ts";
import { callGateway, registerPerson } from "../clients/gateway.ts";
import { startTestApp } from "../harness.ts";

const counter = { key: "test", count: 10, windowMs: 1_000 };

Deno.test("a rate is written as a count and a window", () => {
  assert.deepEqual(perUser(5, "1 s"), { per: "caller", count: 5, windowMs: 1_000 });
  assert.deepEqual(perAddress(30, "2 min"), { per: "address", count: 30, windowMs: 120_000 });
  assert.deepEqual(perAddress(1, "1 h").windowMs, 3_600_000);
});

Deno.test("callers and addresses are counted apart, and a factor of 0 counts nothing", () => {
  const rates = [{ of: "x", rate: perUser(5, "1 s") }, { of: "y", rate: perAddress(6, "1 s") }];
  const who = { caller: "me", address: "1.2.3.4" };
  assert.deepEqual(countersOf(rates, { ...who, factor: 2 }), [
    { key: "rate:caller:x:me", count: 10, windowMs: 1_000 },
    { key: "rate:address:y:1.2.3.4", count: 12, windowMs: 1_000 },
  ]);
  assert.deepEqual(countersOf(rates, { ...who, factor: 0 }), []);
});

Deno.test("the window slides: a burst at the end of one window still counts in the next", () => {
  const { at, previousWeight } = windowAt(counter, 5_250);
  assert.deepEqual([at, previousWeight], [5, 0.75]);
  assert.deepEqual(windowKeys(counter, at), { current: "test:5", previous: "test:4" });
  assert.equal(isOver(counter, { current: 10, previous: 0, previousWeight }), false);
  assert.equal(isOver(counter, { current: 11, previous: 0, previousWeight }), true);
  assert.equal(isOver(counter, { current: 1, previous: 12, previousWeight }), false);
  assert.equal(isOver(counter, { current: 2, previous: 12, previousWeight }), true);
});

Deno.test("beyond the rate a call is refused with Retry-After, others' calls go on", async () => {
  await using app = await startTestApp({ env: { RATE_FACTOR: "0.1" } });
  app.clock.standStill(10_000);
  const [busy, calm] = [await registerPerson(app, "Busy"), await registerPerson(app, "Calm")];
  const read = (as = busy) => callGateway(app, "GET", `/user/${busy.uid}/profile`, { as });
  const statuses: number[] = [];
  for (let at = 0; at < 40; at++) statuses.push((await read()).status);
  // 30 in ten seconds, of which the profile was one.
  assert.deepEqual([...new Set(statuses)], [1, 0]);
  assert.equal(statuses.indexOf(0), 29);
  const { headers, ...refused } = await read();
  assert.deepEqual(refused, {
    http: 200,
    status: 0,
    message: "操作太频繁，请稍后再试",
    result: 0,
    errorCode: 0,
  });
  assert.equal(headers.get("retry-after"), "10");
  assert.equal((await read(calm)).status, 1);
  app.clock.advance(20_000);
  assert.equal((await read()).status, 1);
});
