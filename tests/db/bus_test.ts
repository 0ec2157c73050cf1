import assert from "node:assert/strict";
import type { Config } from "../../config/config.ts";
import type { Bus, BusEvent } from "../../db/bus/bus.ts";
import { BUS_CHANNEL, openBus } from "../../db/bus/over_redis.ts";
import { openRedis } from "../../db/redis/open.ts";
import { freePort, waitUntil } from "../services/binary.ts";
import { type RedisService, startRedis } from "../services/redis.ts";
import { startUpstashShim } from "../services/upstash_shim.ts";

const HEARTBEAT_MS = 100;
/** A dead subscription is noticed after three heartbeats, at the next one. */
const RECOVERY_MS_MAX = 5_000;

const group = (groupId: number): BusEvent => ({ kind: "group", groupId });

/** A bus with what it has heard, subscribed when this answers. */
async function listening(bus: Bus, { isShared }: { isShared: boolean }) {
  const heard: BusEvent[] = [];
  let subscribedCount = 0;
  const stop = bus.subscribe((event) => {
    if (event.kind === "resubscribed") subscribedCount += 1;
    else heard.push(event);
  });
  if (isShared) await waitUntil("the subscription", () => subscribedCount > 0, RECOVERY_MS_MAX);
  return { heard, stop, subscribedCount: () => subscribedCount };
}

interface Pair extends AsyncDisposable {
  /** Two processes' buses; of the local kind the same one twice. */
  one: Bus;
  two: Bus;
}

async function openPair(config: Config["redis"]): Promise<Pair> {
  const connections = [await openRedis({ redis: config })];
  if (config.kind !== "memory") connections.push(await openRedis({ redis: config }));
  const buses = connections.map((redis) => openBus(redis, { heartbeatMs: HEARTBEAT_MS }));
  return {
    one: buses[0]!,
    two: buses.at(-1)!,
    async [Symbol.asyncDispose]() {
      for (const bus of buses) await bus.close();
      for (const redis of connections) await redis.close();
    },
  };
}

async function keepsContract(t: Deno.TestContext, config: Config["redis"]): Promise<void> {
  const isShared = config.kind !== "memory";
  await using pair = await openPair(config);
  const { one, two } = pair;

  await t.step(
    "everybody hears everything once, in order, later than the publisher's turn",
    async () => {
      const ears = [
        await listening(one, { isShared }),
        await listening(two, { isShared: isShared }),
      ];
      const said = Array.from({ length: 50 }, (_, i) => group(i));
      for (const event of said) one.publish(event);
      assert.deepEqual(ears[0]!.heard, []);
      await waitUntil("all of it", () => ears.every(({ heard }) => heard.length >= 50));
      // Whatever would be heard twice would be heard by now.
      two.publish(group(99));
      await waitUntil("the last", () => ears.every(({ heard }) => heard.length >= 51));
      for (const { heard } of ears) assert.deepEqual(heard, [...said, group(99)]);
      for (const { stop } of ears) stop();
    },
  );

  await t.step("texts of any kind arrive as they were", async () => {
    const ear = await listening(two, { isShared });
    const moment: BusEvent = {
      kind: "moment",
      userIds: [1, 2],
      messageId: 2 ** 53 - 1,
      fromUid: "a,b",
      fromId: 2 ** 53 - 1,
      channelType: 1,
      channelNo: "",
      channelId: 0,
      clientMsgNo: 'm"\n',
      payload: '{"type":1,"content":"你好,\\n😀"}',
      redDot: false,
      syncOnce: true,
      atMs: 1,
    };
    one.publish(moment);
    await waitUntil("it", () => ear.heard.length > 0);
    assert.deepEqual(ear.heard, [moment]);
    ear.stop();
  });

  await t.step(
    "a listener that throws does not keep it from the others; one that stopped hears nothing",
    async () => {
      const { error } = console;
      console.error = () => {};
      const stopThrowing = one.subscribe(() => {
        throw new Error("on purpose");
      });
      const ear = await listening(one, { isShared: false });
      const stopped = await listening(one, { isShared: false });
      stopped.stop();
      one.publish(group(1));
      await waitUntil("it", () => ear.heard.length > 0);
      assert.deepEqual(stopped.heard, []);
      stopThrowing();
      ear.stop();
      console.error = error;
    },
  );

  await t.step("closed, it says nothing and takes anything", async () => {
    const ear = await listening(one, { isShared: false });
    await one.close();
    one.publish(group(1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(ear.heard, []);
  });
}

Deno.test("the bus of one process", (t) => keepsContract(t, { kind: "memory" }));

Deno.test("the bus over Redis by TCP", async (t) => {
  await using service = await startRedis();
  if (!service) return;
  const config = { kind: "tcp", url: service.url } as const;
  await keepsContract(t, config);
  await t.step("recovers from a restart", () => recovers(service, config));
  await t.step("does not choke on what others write there", () => ignoresNoise(config));
});

Deno.test("the bus over Upstash's event streams", async (t) => {
  await using service = await startRedis();
  if (!service) return;
  await using shim = startUpstashShim(service.url);
  const config = { kind: "upstash", url: shim.url, token: shim.token } as const;
  await keepsContract(t, config);
  await t.step("recovers from a stream that ended without a word", () => recovers(service, config));
  await t.step("does not choke on what others write there", () => ignoresNoise(config));
});

/** Stopping the server also ends the shim's event streams, about which the client says nothing. */
async function recovers(service: RedisService, config: Config["redis"]): Promise<void> {
  await using pair = await openPair(config);
  const ear = await listening(pair.two, { isShared: true });
  const own = await listening(pair.one, { isShared: true });
  await service.stop();
  for (let i = 0; i < 20; i++) pair.one.publish(group(i));
  await waitUntil("its own listeners", () => own.heard.length === 20, 2_000);
  await new Promise((resolve) => setTimeout(resolve, 5 * HEARTBEAT_MS));
  await service.restart();
  await waitUntil("a new subscription", () => ear.subscribedCount() > 1, RECOVERY_MS_MAX);
  // What is published before the publisher has Redis back is either heard or made up for.
  const looksBefore = ear.subscribedCount();
  pair.one.publish(group(1000));
  const isKnown = () => ear.heard.length > 0 || ear.subscribedCount() > looksBefore;
  await waitUntil("news, or word of its loss", isKnown, RECOVERY_MS_MAX);
  await waitUntil("news", () => {
    pair.one.publish(group(1001));
    return ear.heard.some((event) => event.kind === "group" && event.groupId === 1001);
  }, RECOVERY_MS_MAX);
}

async function ignoresNoise(config: Config["redis"]): Promise<void> {
  await using pair = await openPair(config);
  const ear = await listening(pair.two, { isShared: true });
  const { redis, close } = await openRedis({ redis: config });
  for (const noise of ["", "{", "null", "7", '{"from":1}', '{"from":"x","event":{}}']) {
    await redis.publish(BUS_CHANNEL, noise);
  }
  pair.one.publish(group(5));
  await waitUntil("the event", () => ear.heard.length > 0, RECOVERY_MS_MAX);
  assert.deepEqual(ear.heard, [group(5)]);
  await close();
}

Deno.test("with Redis away from the start the bus serves its own process", async () => {
  const redis = await openRedis({ redis: { kind: "tcp", url: `redis://127.0.0.1:${freePort()}` } });
  const bus = openBus(redis, { heartbeatMs: HEARTBEAT_MS });
  const ear = await listening(bus, { isShared: false });
  bus.publish(group(1));
  await waitUntil("it", () => ear.heard.length === 1, 1_000);
  await bus.close();
  await redis.close();
});
