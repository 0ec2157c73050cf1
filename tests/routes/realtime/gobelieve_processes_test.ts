import assert from "node:assert/strict";
import type { Bus } from "../../../db/bus/bus.ts";
import { openBus } from "../../../db/bus/over_redis.ts";
import { openRedis } from "../../../db/redis/open.ts";
import type { SocketOptions } from "../../../routes/realtime/socket_options.ts";
import { Cmd, GobelieveClient } from "../../clients/gobelieve.ts";
import { askPartner, grantToken, makeApp } from "../../clients/partner.ts";
import { startTestApp } from "../../harness.ts";
import { startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { openPatiently, startPostgres } from "../../services/postgres.ts";
import { startRedis } from "../../services/redis.ts";

/** One process: the app on connections of its own. */
async function startProcess(
  { databaseUrl, redisUrl }: { databaseUrl: string; redisUrl: string },
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
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await bus.close();
      await app[Symbol.asyncDispose]();
      await redis.close();
      await database.close();
    },
  };
}

Deno.test("GoBelieve's clients are one chat over two processes", async (t) => {
  await using postgres = await startPostgres();
  await using redis = await startRedis();
  if (!postgres || !redis) return;
  const stores = { databaseUrl: await postgres.newDatabase(), redisUrl: redis.url };

  await t.step("with the bus", async (t) => {
    // The slow poll would find what the bus did not tell.
    await using one = await startProcess(stores, { pollMs: 60_000 });
    await using two = await startProcess(stores, { pollMs: 60_000 });
    const partner = await makeApp(one.app.ctx);
    const { basic } = partner;
    const [annas, bens] = [
      await grantToken(one.app, partner, { uid: 1 }),
      await grantToken(two.app, partner, { uid: 2 }),
    ];
    await using anna = await new GobelieveClient(one.server.url).follow({ token: annas });
    await using ben = await new GobelieveClient(two.server.url).follow({ token: bens });

    await t.step("messages cross, in order", async () => {
      for (let i = 0; i < 50; i++) {
        anna.say(Cmd.im, { sender: 1, receiver: 2, content: `${i}` });
      }
      await waitUntil("all of them", () => ben.shown.length >= 50);
      assert.deepEqual(
        ben.shown.map(({ content }) => content),
        Array.from({ length: 50 }, (_, i) => `${i}`),
      );
    });

    await t.step("a room is one, and what is for the moment gets across", async () => {
      for (const client of [anna, ben]) client.send(Cmd.enterRoom, [[64, 5]]);
      await ben.settled();
      assert.equal((await anna.acked(anna.send(Cmd.roomIm, [[64, 1], [64, 5], "hi"]))).status, 0);
      const heard = await ben.next(({ cmd }) => cmd === Cmd.roomIm);
      assert.deepEqual([heard.sender, heard.receiver, heard.content], [1, 5, "hi"]);
      ben.send(Cmd.rt, [[64, 2], [64, 1], "typing"]);
      await anna.next(({ cmd, content }) => cmd === Cmd.rt && content === "typing");
      assert.deepEqual(anna.of(Cmd.roomIm), []);
    });

    await t.step("super groups are announced", async () => {
      const members = [{ uid: 1 }, { uid: 2 }];
      const body = { master: 1, name: "读书会", super: true, members };
      const made = await askPartner(one.app, "POST /groups", { basic, body });
      const notify = await ben.next(({ cmd }) => cmd === Cmd.syncGroupNotify);
      assert.deepEqual([notify.groupId, notify.key], [made.group_id, 1]);
    });

    await t.step(
      "a newer app ends the older one elsewhere, a revoked token every one",
      async () => {
        const old = new GobelieveClient(one.server.url);
        assert.equal(await old.auth({ token: bens, platform: 1 }), 0);
        const newer = new GobelieveClient(two.server.url);
        assert.equal(await newer.auth({ token: bens, platform: 2 }), 0);
        assert.deepEqual(await old.ended(), { code: 1000, reason: "kicked" });
        await newer.settled();
        await askPartner(one.app, "POST /auth/revoke", { basic, body: { uid: 2 } });
        for (const client of [newer, ben]) assert.equal((await client.ended()).reason, "kicked");
      },
    );
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
    const partner = await makeApp(one.app.ctx);
    const { basic } = partner;
    const token = await grantToken(one.app, partner, { uid: 1 });
    const body = { master: 1, name: "读书会", super: true, members: [{ uid: 1 }, { uid: 2 }] };
    await using anna = await new GobelieveClient(two.server.url).follow({ token });
    const { group_id } = await askPartner(one.app, "POST /groups", { basic, body });
    const said = { receiver: 1, content: "hi" };
    await askPartner(one.app, "POST /messages/systems", { basic, body: said });
    await waitUntil("it", () => anna.shown.length === 1);
    const notify = await anna.next(({ cmd }) => cmd === Cmd.syncGroupNotify);
    assert.equal(notify.groupId, group_id);
  });
});
