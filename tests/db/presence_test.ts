import assert from "node:assert/strict";
import type { Config } from "../../config/config.ts";
import { withTrips } from "../../config/runtime/trips.ts";
import { openRedis } from "../../db/redis/open.ts";
import { PRESENCE_TTL_MS, readOnline, setGone, setPresent } from "../../db/redis/presence.ts";
import { Clock } from "../harness.ts";
import { freePort } from "../services/binary.ts";
import { startRedis } from "../services/redis.ts";

async function keepsPresence(config: Config["redis"]): Promise<void> {
  const clock = new Clock();
  const { redis, close } = await openRedis({ redis: config }, clock);
  const ctx = { redis, now: clock.now };
  const phone = { userId: 1, socketId: "a", deviceFlag: 0 };
  const desktop = { userId: 1, socketId: "b", deviceFlag: 1 };
  const other = { userId: 2, socketId: "c", deviceFlag: 2 };
  const seen = async (userId: number) => (await readOnline(ctx, [userId])).get(userId)!;
  const never = { online: false, deviceFlag: 0, deviceFlags: [], lastOfflineAt: undefined };
  const online = { online: true, lastOfflineAt: undefined };

  assert.deepEqual(await seen(1), never);
  assert.equal((await readOnline(ctx, [])).size, 0);
  await setPresent(ctx, [desktop, phone, other]);
  assert.deepEqual(await seen(1), { ...online, deviceFlag: 0, deviceFlags: [0, 1] });
  assert.equal((await seen(2)).deviceFlag, 2);
  await setGone(ctx, [phone]);
  assert.deepEqual(await seen(1), { ...online, deviceFlag: 1, deviceFlags: [1] });
  await setGone(ctx, [desktop]);
  const gone = await seen(1);
  assert.deepEqual([gone.online, gone.deviceFlag], [false, 1]);
  assert.ok(Math.abs(gone.lastOfflineAt!.getTime() - clock.now().getTime()) < 2_000);

  await withTrips(async (trips) => {
    const all = await readOnline(ctx, [1, 2, 3]);
    assert.deepEqual([...all].map(([id, { online }]) => [id, online]), [[1, false], [2, true], [
      3,
      false,
    ]]);
    assert.equal(trips.redis.count, 1);
  });

  // A killed process says nothing; the last time it said anything is when its people were seen.
  clock.advance(PRESENCE_TTL_MS + 1_000);
  const lost = await seen(2);
  assert.equal(lost.online, false);
  assert.ok(clock.now().getTime() - lost.lastOfflineAt!.getTime() > PRESENCE_TTL_MS);
  await close();
}

Deno.test("presence in the embedded Redis", () => keepsPresence({ kind: "memory" }));

Deno.test("presence in a Redis over TCP", async () => {
  await using service = await startRedis();
  if (service) await keepsPresence({ kind: "tcp", url: service.url });
});

Deno.test("while Redis is away nobody is known to be online", async () => {
  const { redis, close } = await openRedis({
    redis: { kind: "tcp", url: `redis://127.0.0.1:${freePort()}` },
  });
  const ctx = { redis, now: () => new Date() };
  assert.equal((await readOnline(ctx, [7])).get(7)!.online, false);
  await close();
});
