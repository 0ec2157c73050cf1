import assert from "node:assert/strict";
import type { Bus } from "../../../db/bus/bus.ts";
import { openBus } from "../../../db/bus/over_redis.ts";
import { hashToken } from "../../../db/domain/sessions/access_secret.ts";
import { logOut } from "../../../db/domain/sessions/log_out.ts";
import { endSessions } from "../../../db/domain/sessions/session_cache.ts";
import { openRedis } from "../../../db/redis/open.ts";
import { readOnline } from "../../../db/redis/presence.ts";
import { Reason } from "../../../routes/realtime/reasons.ts";
import type { SocketOptions } from "../../../routes/realtime/socket_options.ts";
import { payloadOf, RpcClient } from "../../clients/rpc.ts";
import { startTestApp } from "../../harness.ts";
import { makeGroup } from "../../people/factories.ts";
import { connectSdk, makeChatPerson, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { openPatiently, startPostgres } from "../../services/postgres.ts";
import { startRedis } from "../../services/redis.ts";

interface Stores {
  databaseUrl: string;
  redisUrl: string;
}

/** One process: the app on connections of its own. */
async function startProcess(
  { databaseUrl, redisUrl }: Stores,
  { bus: ownBus, ...options }: Partial<SocketOptions> & { bus?: Bus } = {},
) {
  const database = openPatiently(databaseUrl);
  const redis = await openRedis({ redis: { kind: "tcp", url: redisUrl } });
  const bus = ownBus ?? openBus(redis, { heartbeatMs: 200 });
  const app = await startTestApp({ database, redis, bus });
  const server = startChatServer(app, options);
  return {
    app,
    server,
    ctx: app.ctx,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await bus.close();
      await app[Symbol.asyncDispose]();
      await redis.close();
      await database.close();
    },
  };
}

Deno.test("two processes on one Postgres and one Redis are one chat", async (t) => {
  await using postgres = await startPostgres();
  await using redis = await startRedis();
  if (!postgres || !redis) return;
  const stores = { databaseUrl: await postgres.newDatabase(), redisUrl: redis.url };

  await t.step("with the bus", async (t) => {
    await using one = await startProcess(stores, { pollMs: 60_000 });
    await using two = await startProcess(stores, { pollMs: 60_000 });
    const anna = await makeChatPerson(one.ctx, "Anna");
    const ben = await makeChatPerson(one.ctx, "Ben");
    await using annas = await connectSdk(one.server, anna, { name: "anna on one" });
    await using bens = await new RpcClient(two.server.url).opened();
    await bens.connect({ uid: ben.uid, token: ben.webToken });

    await t.step("messages cross, in order, without gaps", async () => {
      for (let i = 0; i < 50; i++) await annas.sendText(ben.uid, 1, `${i}`);
      await waitUntil("all of them", () => bens.received.length >= 50);
      assert.deepEqual(
        bens.received.map((message) => [message.messageSeq, payloadOf(message).content]),
        Array.from({ length: 50 }, (_, i) => [i + 1, `${i}`]),
      );
      await bens.say(anna.uid, 1, { type: 1, content: "back" });
      assert.equal((await annas.next()).content.text, "back");
    });

    await t.step("large groups' too", async () => {
      const group = await makeGroup(one.ctx, [anna, ben], { isSuper: true });
      await annas.sendText(group.groupNo, 2, "to the log");
      await waitUntil("it", () => bens.received.length === 51);
      assert.equal(payloadOf(bens.received[50]).content, "to the log");
    });

    await t.step("a newer app socket ends the older one elsewhere", async () => {
      await using again = await connectSdk(two.server, anna, { name: "anna on two" });
      assert.deepEqual(await annas.nextStatus(4), { status: 4, reason: Reason.kicked });
      assert.deepEqual(again.statuses.map(({ status }) => status).filter((it) => it !== 2), [1]);
    });

    await t.step("everybody knows who is where; a logout ends sockets elsewhere", async () => {
      assert.equal((await readOnline(one.ctx, [ben.id])).get(ben.id)!.online, true);
      await logOut(one.ctx, { tokenHash: hashToken(ben.webToken) });
      assert.equal((await bens.ended()).reason, "kicked");
      await waitUntil(
        "his absence",
        async () => !(await readOnline(one.ctx, [ben.id])).get(ben.id)!.online,
        5_000,
      );
    });

    await t.step("a restart of Redis loses nothing", async () => {
      await using cleos = await new RpcClient(two.server.url).opened();
      const cleo = await makeChatPerson(one.ctx, "Cleo");
      await cleos.connect({ uid: cleo.uid, token: cleo.webToken });
      await using dans = await new RpcClient(one.server.url).opened();
      const dan = await makeChatPerson(one.ctx, "Dan");
      await dans.connect({ uid: dan.uid, token: dan.webToken });
      await redis.stop();
      const { result } = await dans.say(cleo.uid, 1, { type: 1, content: "meanwhile" });
      assert.equal(result.reasonCode, Reason.success);
      await redis.restart();
      await waitUntil("the message", () => cleos.received.length === 1);
    });
  });

  await t.step("with every hint lost the slow poll finds what came", async () => {
    // A bus that tells nobody anything.
    const deaf = (): Bus => ({
      publish() {},
      subscribe: () => () => {},
      close: () => Promise.resolve(),
    });
    await using one = await startProcess(stores, { bus: deaf(), pollMs: 200 });
    await using two = await startProcess(stores, { bus: deaf(), pollMs: 200 });
    const [anna, ben] = [await makeChatPerson(one.ctx), await makeChatPerson(one.ctx)];
    const group = await makeGroup(one.ctx, [anna, ben], { isSuper: true });
    await using annas = await new RpcClient(one.server.url).opened();
    await annas.connect({ uid: anna.uid, token: anna.webToken });
    await using bens = await new RpcClient(two.server.url).opened();
    await bens.connect({ uid: ben.uid, token: ben.webToken });
    for (const content of ["a", "b"]) await annas.say(ben.uid, 1, { type: 1, content });
    await annas.say(group.groupNo, 2, { type: 1, content: "c" });
    await waitUntil("all of it", () => bens.received.length === 3);
    assert.deepEqual(bens.received.map((message) => payloadOf(message).content), ["a", "b", "c"]);
    assert.deepEqual(annas.received, []);

    const tokenHash = hashToken(ben.webToken);
    await logOut(one.ctx, { tokenHash });
    await endSessions(one.ctx, []);
    assert.equal((await bens.ended()).reason, "kicked");
  });
});
