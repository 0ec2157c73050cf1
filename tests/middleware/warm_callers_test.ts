import assert from "node:assert/strict";
import { openBus } from "../../db/bus/over_redis.ts";
import { Warm, WARM_MS } from "../../db/bus/warm.ts";
import type { Redis } from "../../db/redis/client.ts";
import { openRedis } from "../../db/redis/open.ts";
import { ratesOf } from "../../middleware/rates.ts";
import { callGateway, type GatewayLogin, registerPerson } from "../clients/gateway.ts";
import { Clock, startTestApp, type TestApp } from "../harness.ts";
import { waitUntil } from "../services/binary.ts";
import { startRedis } from "../services/redis.ts";

const read = async (app: TestApp, as: GatewayLogin) =>
  await callGateway(app, "GET", `/user/${as.uid}/profile`, { as });
const logOut = async (app: TestApp, as: GatewayLogin) =>
  await callGateway(app, "POST", "/account/logout", { as });
const trips = ({ headers }: { headers: Headers }) =>
  [...headers.get("server-timing")!.matchAll(/desc="(\d+)"/g)].map(([, count]) => count);

Deno.test("what is dropped is not kept again for as long as it would have been believed", () => {
  const clock = new Clock();
  const warm = new Warm<string>(clock.now);
  warm.keep("a", "1");
  assert.equal(warm.get("a"), "1");
  clock.advance(WARM_MS);
  assert.equal(warm.get("a"), undefined);
  warm.keep("a", "2");
  warm.drop("a");
  warm.keep("a", "2, read before");
  assert.equal(warm.get("a"), undefined);
  clock.advance(WARM_MS);
  warm.keep("a", "3");
  assert.equal(warm.get("a"), "3");
});

Deno.test("who has just called is known without Redis, for five seconds", async () => {
  await using app = await startTestApp({ env: { RATE_FACTOR: "1" } });
  const person = await registerPerson(app);
  assert.deepEqual(trips(await read(app, person)), ["2", "2"]);
  assert.deepEqual(trips(await read(app, person)), ["1", "0"]);
  app.clock.advance(WARM_MS);
  assert.deepEqual(trips(await read(app, person)), ["1", "1"]);
});

Deno.test("a session that ends is over in its own process at once", async () => {
  await using app = await startTestApp();
  const person = await registerPerson(app);
  for (let at = 0; at < 2; at++) assert.equal((await read(app, person)).status, 1);
  assert.equal((await logOut(app, person)).status, 1);
  assert.equal((await read(app, person)).http, 401);
});

Deno.test("in another process it is over with the bus at once, and without it in five seconds", async (t) => {
  await using server = await startRedis();
  if (!server) return;
  await using stack = new AsyncDisposableStack();
  const open = async () => {
    const redis = await openRedis({ redis: { kind: "tcp", url: server.url } });
    const bus = openBus(redis);
    stack.defer(() => redis.close());
    stack.defer(() => bus.close());
    return { redis, bus };
  };
  await using app = await startTestApp(await open());
  const { database } = app;

  await t.step("with the bus", async () => {
    await using other = await startTestApp({ ...await open(), database });
    const person = await registerPerson(app);
    // Twice, so that the other process knows, and hears.
    for (let at = 0; at < 2; at++) assert.equal((await read(other, person)).status, 1);
    await logOut(app, person);
    await waitUntil("the end", async () => (await read(other, person)).http === 401, 2_000);
  });

  await t.step("without it", async () => {
    const { redis } = await open();
    await using deaf = await startTestApp({ redis, database });
    const person = await registerPerson(app);
    for (let at = 0; at < 2; at++) assert.equal((await read(deaf, person)).status, 1);
    await logOut(app, person);
    assert.equal((await read(deaf, person)).status, 1);
    deaf.clock.advance(WARM_MS);
    assert.equal((await read(deaf, person)).http, 401);
  });
});

Deno.test("what several processes count comes together, and nothing is counted twice or lost", async () => {
  await using server = await startRedis();
  if (!server) return;
  const connections = await Promise.all(
    Array.from({ length: 3 }, () => openRedis({ redis: { kind: "tcp", url: server.url } })),
  );
  const counter = { key: "rate:test", count: 100, windowMs: 60_000 };
  const nowMs = 60_000 * 1_000;
  const count = ({ redis }: { redis: Redis }) => {
    const over = ratesOf(redis).count([counter], nowMs);
    ratesOf(redis).tellSoon();
    return over !== undefined;
  };
  const total = async () => Number(await connections[0]!.redis.get("rate:test:1000"));
  try {
    for (let at = 0; at < 90; at++) assert.equal(count(connections[at % 3]!), false);
    await waitUntil("every count", async () => await total() === 90);
    // One that has told since hears of all the others'.
    count(connections[0]!);
    await waitUntil("its own", async () => await total() === 91);
    const left = Array.from({ length: 20 }, () => count(connections[0]!));
    assert.deepEqual(left.map(Number), [...Array(9).fill(0), ...Array(11).fill(1)]);
    await waitUntil("every count", async () => await total() === 111);
  } finally {
    for (const connection of connections) await connection.close();
  }
});

Deno.test("while Redis is away a process counts for itself, and tells it afterwards", async () => {
  await using server = await startRedis();
  if (!server) return;
  const connection = await openRedis({ redis: { kind: "tcp", url: server.url } });
  const rates = ratesOf(connection.redis);
  const counter = { key: "rate:away", count: 10, windowMs: 60_000 };
  const count = () => {
    const over = rates.count([counter], 60_000 * 1_000);
    rates.tellSoon();
    return over !== undefined;
  };
  try {
    await server.stop();
    const over = Array.from({ length: 12 }, count);
    assert.deepEqual(over.map(Number), [...Array(10).fill(0), 1, 1]);
    await server.restart();
    await waitUntil("all that was counted", async () => {
      rates.tellSoon();
      return Number(await connection.redis.get("rate:away:1000")) === 12;
    });
  } finally {
    await connection.close();
  }
});
