import assert from "node:assert/strict";
import type { Config } from "../../config/config.ts";
import { DeadlineError } from "../../config/runtime/deadline.ts";
import { withTrips } from "../../config/runtime/trips.ts";
import { isRedisAway, type Redis } from "../../db/redis/client.ts";
import { Keyspace } from "../../db/redis/memory/keyspace.ts";
import { memoryTransport } from "../../db/redis/memory/transport.ts";
import { openRedis } from "../../db/redis/open.ts";
import { freePort, waitUntil } from "../services/binary.ts";
import { type RedisService, startRedis } from "../services/redis.ts";
import { startUpstashShim } from "../services/upstash_shim.ts";
import { DELETE_HELD } from "../../db/redis/delete_held.ts";
import { play, SCRIPTS, WRONG_TYPE } from "./redis_contract.ts";

/** No failure may take longer than this, ms: a bound against hanging, not a measurement. */
const FAILURE_MS_MAX = 2_000;
/** Requests under way at once: many enough to collide, few enough for the deadline over HTTP. */
const PARALLEL_CALLS = 50;

type Case = [claim: string, prove: (redis: Redis) => Promise<void>];

const CASES: Case[] = [
  ["Of 200 parallel SET NX exactly one is OK", async (redis) => {
    const replies = await inParallel(
      200,
      (i) => redis.set("lock", `${i}`, { nx: true, px: 9_000 }),
    );
    assert.equal(replies.filter((reply) => reply === "OK").length, 1);
    assert.equal(replies.filter((reply) => reply === null).length, 199);
    assert.ok(await redis.pttl("lock") > 0);
  }],
  ["1000 parallel INCR count to 1000, each number once", async (redis) => {
    const replies = await inParallel(1_000, () => redis.incr("counter"));
    assert.equal(new Set(replies).size, 1_000);
    assert.equal(await redis.get("counter"), "1000");
  }],
  ["Of 100 parallel DEL of one key exactly one answers 1", async (redis) => {
    await redis.set("code", "001234");
    const replies = await inParallel(100, () => redis.del("code"));
    assert.equal(replies.reduce((sum, reply) => sum + reply, 0), 1);
  }],
  ["A key is there until its time and not after it", async (redis) => {
    await redis.set("short", "v", { px: 150 });
    const left = await redis.pttl("short");
    assert.ok(left > 0 && left <= 150, `${left}`);
    await redis.hset("hash", { f: "v" });
    assert.equal(await redis.pexpire("hash", 150), 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(await redis.mget("short"), [null]);
    assert.equal(await redis.pttl("short"), -2);
    assert.equal(await redis.exists("short", "hash"), 0);
    assert.equal(await redis.set("short", "w", { nx: true }), "OK");
    assert.equal(await redis.pttl("short"), -1);
  }],
  ["Typed methods send numbers and get strings and numbers back", async (redis) => {
    await redis.set("n", 13800138000);
    assert.equal(await redis.get("n"), "13800138000");
    await redis.zadd("z", { score: 1.5, member: "007" }, { score: 2, member: "b" });
    assert.deepEqual(await redis.zrange("z", 1, 2, { byScore: true, offset: 0, count: 1 }), [
      "007",
    ]);
    assert.equal(await redis.zremrangebyscore("z", 0, "(2"), 1);
    await redis.sadd("s", "001", "01", "1");
    assert.deepEqual((await redis.smembers("s")).sort(), ["001", "01", "1"]);
    await redis.hset("h", { phone: "0123", 名: "值" });
    assert.deepEqual(await redis.hgetall("h"), ["phone", "0123", "名", "值"]);
  }],
  ["Long and odd strings survive unharmed", async (redis) => {
    const text = '行\r\n"\\\0 🎉'.repeat(5_000);
    await redis.set("long", text);
    assert.equal(await redis.get("long"), text);
    await redis.mset({ empty: "", ok: "OK", quoted: '"a"', null: "null" });
    assert.deepEqual(await redis.mget("empty", "ok", "quoted", "null"), ["", "OK", '"a"', "null"]);
  }],
  [
    "A refused command inside a pipeline leaves the others alone, and it is one trip",
    async (redis) => {
      await redis.sadd("s", "m");
      const pipeline = redis.pipeline().set("k", "001").incr("s").incr("n").get("k").hmget(
        "h",
        "f",
      );
      await withTrips(async (trips) => {
        assert.deepEqual(await pipeline.exec({ keepErrors: true }), [
          { error: undefined, result: "OK" },
          { error: WRONG_TYPE.refused, result: undefined },
          { error: undefined, result: 1 },
          { error: undefined, result: "001" },
          { error: undefined, result: [null] },
        ]);
        assert.equal(trips.redis.count, 1);
      });
    },
  ],
  ["a held key is deleted by its holder alone", async (redis) => {
    await redis.set("lock", "mine");
    const deletes = redis.pipeline()
      .eval(DELETE_HELD, ["lock"], ["theirs"])
      .eval(DELETE_HELD, ["nothing"], ["mine"])
      .eval(DELETE_HELD, ["lock"], ["mine"])
      .eval(DELETE_HELD, ["lock"], ["mine"]);
    assert.deepEqual(await deletes.exec(), [0, 0, 1, 0]);
    assert.equal(await redis.get("lock"), null);
  }],
  ["MULTI runs all or, when one command cannot be queued, none", async (redis) => {
    const done = redis.multi().set("k", "001").incr("k2").sadd("k", "m").get("k");
    assert.deepEqual(
      (await done.exec({ keepErrors: true })).map(({ error, result }) => error ?? result),
      [
        "OK",
        1,
        WRONG_TYPE.refused,
        "001",
      ],
    );
    // The typed client sends `del` without a key when it is given none.
    const refusedWhole = redis.multi().set("k", "changed").del();
    await assert.rejects(refusedWhole.exec(), {
      name: "UpstashError",
      message:
        "Command 1 [ set ] failed: EXECABORT Transaction discarded because of previous errors.",
    });
    assert.equal(await redis.get("k"), "001");
  }],
  ["A transaction is not interleaved with other commands", async (redis) => {
    const sums = await inParallel(100, async () => {
      const [first, second] = await redis.multi().incr("x").incr("x").exec<[number, number]>();
      return second - first;
    });
    assert.deepEqual(new Set(sums), new Set([1]));
  }],
  ["A subscriber hears what is published after it, in order, until it leaves", hearsPublished],
];

async function hearsPublished(redis: Redis): Promise<void> {
  assert.equal(await redis.publish("nobody", "x"), 0);
  const heard: unknown[] = [];
  const counts: unknown[] = [];
  const subscriber = redis.subscribe<string>("room");
  subscriber.on("subscribe", (count) => counts.push(count));
  subscriber.on("message", ({ channel, message }) => heard.push([channel, message]));
  await waitUntil("the subscription", () => counts.length > 0, 2_000);
  assert.deepEqual(counts, [1]);
  assert.equal(await redis.publish("room", "001234"), 1);
  assert.equal(await redis.publish("room", "第二,条"), 1);
  assert.equal(await redis.publish("other", "not for us"), 0);
  await waitUntil("both messages", () => heard.length >= 2, 2_000);
  assert.deepEqual(heard, [["room", "001234"], ["room", "第二,条"]]);
  await subscriber.unsubscribe();
  await waitUntil("nobody listens", async () => await redis.publish("room", "late") === 0, 2_000);
  assert.equal(heard.length, 2);
}

async function inParallel<T>(count: number, call: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) results.push(await call(next++));
  };
  await Promise.all(Array.from({ length: PARALLEL_CALLS }, worker));
  return results;
}

async function keepsContract(t: Deno.TestContext, config: Config["redis"]): Promise<void> {
  const { redis, close } = await openRedis({ redis: config });
  const scripted = SCRIPTS.map(([claim, ...steps]): Case => [claim, (redis) => play(redis, steps)]);
  for (const [claim, prove] of [...scripted, ...CASES]) {
    await redis.flushall();
    await t.step(claim, () => prove(redis));
  }
  await close();
}

Deno.test("the embedded Redis keeps the contract", (t) => keepsContract(t, { kind: "memory" }));

Deno.test("a Redis over TCP keeps the contract", async (t) => {
  await using service = await startRedis();
  if (service) await keepsContract(t, { kind: "tcp", url: service.url });
});

Deno.test("a Redis over the Upstash protocol keeps the contract", async (t) => {
  await using service = await startRedis();
  if (!service) return;
  await using shim = startUpstashShim(service.url);
  await keepsContract(t, { kind: "upstash", url: shim.url, token: shim.token });
});

Deno.test("the embedded Redis expires by the clock it is given", async () => {
  let now = 1_000_000;
  const { requester, close } = memoryTransport({ now: () => now });
  const call = async (...body: string[]) => (await requester.request({ body })).result;
  await call("SET", "k", "v", "PX", "500");
  now += 500;
  assert.equal(await call("PTTL", "k"), 0);
  now += 1;
  assert.equal(await call("GET", "k"), null);
  await close();
});

Deno.test("the embedded Redis forgets expired keys that nobody asks for again", () => {
  let now = 0;
  const keys = new Keyspace(() => now);
  keys.set("kept", "v");
  for (let i = 0; i < 10_000; i++) {
    now += 1;
    keys.sweep();
    keys.set(`once:${i}`, "v", now + 100);
  }
  assert.ok(keys.storedCount < 300, `${keys.storedCount} of 101 live keys are stored`);
  assert.equal(keys.get("kept"), "v");
});

Deno.test("a client opened before its Redis starts to work when Redis does", async () => {
  await using service = await startRedis();
  if (!service) return;
  await service.stop();
  const { redis, close } = await openRedis({ redis: { kind: "tcp", url: service.url } });
  await failsSoon(() => redis.get("k"));
  await service.restart();
  await waitUntil("redis", async () => await redis.ping() === "PONG", FAILURE_MS_MAX);
  await close();
  assert.match(`${(await failsSoon(() => redis.get("k"))).cause}`, /closed/);
});

Deno.test("closing a client whose Redis is away leaves nothing running", async () => {
  const { redis, close } = await openRedis({
    redis: { kind: "tcp", url: `redis://127.0.0.1:${freePort()}` },
  });
  const failed = failsSoon(() => redis.get("k"));
  await close();
  await failed;
});

Deno.test("a TCP client fails fast while Redis is stopped or hangs, and recovers", async (t) => {
  await using service = await startRedis();
  if (service) await failsAndRecovers(t, service, { kind: "tcp", url: service.url });
});

Deno.test("an Upstash client fails fast while Redis is stopped or hangs, and recovers", async (t) => {
  await using service = await startRedis();
  if (!service) return;
  await using shim = startUpstashShim(service.url);
  await failsAndRecovers(t, service, { kind: "upstash", url: shim.url, token: shim.token });
});

async function failsAndRecovers(
  t: Deno.TestContext,
  service: RedisService,
  config: Config["redis"],
): Promise<void> {
  const { redis, close } = await openRedis({ redis: config });
  const works = async () => await redis.incr("n") > 0;
  assert.ok(await works());
  await t.step("stopped: every command and every pipeline fails", async () => {
    await service.stop();
    for (let i = 0; i < 3; i++) {
      await failsSoon(() => redis.get("k"));
      await failsSoon(() => redis.pipeline().get("k").incr("n").exec());
    }
    await failsSoon(() => Promise.all(Array.from({ length: 100 }, () => redis.get("k"))));
  });
  await t.step("back again: the same client works", async () => {
    await service.restart();
    await waitUntil("redis", works, FAILURE_MS_MAX);
  });
  await t.step("hanging: a command ends with its deadline, and nothing is sent twice", async () => {
    service.pause();
    const { cause } = await failsSoon(() => redis.incr("hung"));
    // The HTTP client has the same deadline as the connection around it; either may be first.
    assert.ok(cause instanceof DeadlineError || `${cause}`.startsWith("TimeoutError"), `${cause}`);
    await failsSoon(() => redis.multi().get("k").get("k").exec());
    service.resume();
    await waitUntil("redis", works, FAILURE_MS_MAX);
    assert.ok(Number(await redis.get("hung") ?? 0) <= 1);
  });
  await t.step("killed while commands are under way: they fail", async () => {
    service.pause();
    const underWay = failsSoon(() => Promise.all([redis.get("k"), redis.get("k")]));
    await service.stop();
    await underWay;
  });
  await close();
}

/** The error of a call that must fail, and must do so before anyone loses patience. */
async function failsSoon(call: () => Promise<unknown>): Promise<Error> {
  const startedAt = performance.now();
  const outcome = await call().then(() => undefined, (error: Error) => error);
  assert.ok(outcome instanceof Error, "it should have failed");
  assert.ok(isRedisAway(outcome), `${outcome}`);
  assert.ok(performance.now() - startedAt < FAILURE_MS_MAX, "it took too long to fail");
  return outcome;
}

Deno.test("while Redis hangs one command at a time tries it, the others fail at once", async () => {
  await using service = await startRedis();
  if (!service) return;
  const { redis, close } = await openRedis({ redis: { kind: "tcp", url: service.url } });
  await redis.ping();
  service.pause();
  await failsSoon(() => redis.get("k"));
  // The pause before the first new attempt is over; connecting to a paused process succeeds.
  await new Promise((resolve) => setTimeout(resolve, 60));
  const order: string[] = [];
  const trying = failsSoon(() => redis.get("k")).then(() => order.push("trying"));
  await new Promise((resolve) => setTimeout(resolve, 60));
  await failsSoon(() => redis.get("k")).then(() => order.push("not trying"));
  await trying;
  assert.deepEqual(order, ["not trying", "trying"]);
  await close();
});

Deno.test("a TCP subscription mends itself after Redis was away and says so", async () => {
  await using service = await startRedis();
  if (!service) return;
  const { redis, close } = await openRedis({ redis: { kind: "tcp", url: service.url } });
  const heard: string[] = [];
  let subscribedCount = 0;
  const subscriber = redis.subscribe<string>("room");
  subscriber.on("subscribe", () => subscribedCount += 1);
  subscriber.on("message", ({ message }) => heard.push(message));
  await waitUntil("the subscription", () => subscribedCount === 1, FAILURE_MS_MAX);
  await service.stop();
  await service.restart();
  await waitUntil("the second subscription", () => subscribedCount === 2, FAILURE_MS_MAX);
  await waitUntil("a listener", async () => await redis.publish("room", "a") > 0, FAILURE_MS_MAX);
  await waitUntil("the message", () => heard.includes("a"), FAILURE_MS_MAX);
  await service.stop();
  await close();
});

Deno.test("a TCP pipeline is written at once, not answer by answer", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = answerOnlyAfter(listener, 5);
  const { redis, close } = await openRedis({
    redis: { kind: "tcp", url: `redis://127.0.0.1:${listener.addr.port}` },
  });
  const pipeline = redis.pipeline();
  for (let i = 0; i < 5; i++) pipeline.set(`k${i}`, i);
  await withTrips(async (trips) => {
    assert.deepEqual(await pipeline.exec(), ["OK", "OK", "OK", "OK", "OK"]);
    assert.equal(trips.redis.count, 1);
  });
  await close();
  await served;
});

/** A server that keeps silent until `count` SETs have come in. */
async function answerOnlyAfter(listener: Deno.TcpListener, count: number): Promise<void> {
  using connection = await listener.accept();
  const encoder = new TextEncoder();
  let setCount = 0;
  for await (const chunk of connection.readable.values({ preventCancel: true })) {
    const text = new TextDecoder().decode(chunk);
    if (/ping/i.test(text)) await connection.write(encoder.encode("+PONG\r\n"));
    setCount += text.match(/set\r\n/gi)?.length ?? 0;
    if (setCount === count) await connection.write(encoder.encode("+OK\r\n".repeat(count)));
  }
}

Deno.test("an Upstash pipeline is one HTTP request", async () => {
  await using service = await startRedis();
  if (!service) return;
  await using shim = startUpstashShim(service.url);
  const { redis, close } = await openRedis({
    redis: { kind: "upstash", url: shim.url, token: shim.token },
  });
  await redis.pipeline().incr("a").incr("a").incr("a").incr("a").incr("a").exec();
  assert.equal(shim.requestCount(), 1);
  await close();
});

Deno.test("an Upstash account that has used up its requests is a Redis that is away", async () => {
  await using service = await startRedis();
  if (!service) return;
  await using shim = startUpstashShim(service.url);
  const { redis, close } = await openRedis({
    redis: { kind: "upstash", url: shim.url, token: shim.token },
  });
  const refusal = "ERR max daily request limit exceeded. Limit: 10000, Usage: 10001";
  shim.refuseAll(refusal);
  assert.equal((await failsSoon(() => redis.get("k")) as { cause: Error }).cause.message, refusal);
  await failsSoon(() => redis.pipeline().get("k").exec());
  await close();
});

Deno.test("a wrong Upstash token is an error that does not repeat what was sent", async () => {
  await using service = await startRedis();
  if (!service) return;
  await using shim = startUpstashShim(service.url);
  const { redis, close } = await openRedis({
    redis: { kind: "upstash", url: shim.url, token: "wrong" },
  });
  for (
    const call of [
      () => redis.set("captcha", "001234"),
      () => redis.pipeline().set("captcha", "001234").exec(),
    ]
  ) {
    const error = await failsSoon(call);
    assert.equal((error.cause as Error).message, "Unauthorized");
  }
  await close();
});
