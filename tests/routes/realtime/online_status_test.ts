import assert from "node:assert/strict";
import { withTx } from "../../../db/client/ctx.ts";
import { placeFriendship } from "../../../db/domain/friends/pair.ts";
import { rememberTold } from "../../../db/redis/presence.ts";
import { blocks } from "../../../db/schema/blocks.ts";
import { askIm } from "../../clients/im.ts";
import { Cmd, GobelieveClient } from "../../clients/gobelieve.ts";
import { payloadOf, RpcClient } from "../../clients/rpc.ts";
import { startTestApp } from "../../harness.ts";
import { type ChatPerson, makeChatPerson, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";

/** Longer than anything is held back. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 3_200));

Deno.test("friends hear who has come and who has gone, once, and nobody else does", async (t) => {
  await using app = await startTestApp();
  await using one = startChatServer(app);
  await using two = startChatServer(app);
  const { ctx } = app;
  const people: ChatPerson[] = [];
  for (const name of ["Anna", "Ben", "Carl", "Dora", "Emil"]) {
    people.push(await makeChatPerson(ctx, name));
  }
  const [anna, ben, carl, dora] = people as [ChatPerson, ChatPerson, ChatPerson, ChatPerson];
  for (const friend of [ben, carl, dora]) {
    await withTx(ctx, (ctx) => placeFriendship(ctx, [anna.id, friend.id]));
  }
  const createdAt = ctx.now();
  await ctx.db.insert(blocks).values([
    { userId: carl.id, blockedId: anna.id, createdAt },
    { userId: anna.id, blockedId: dora.id, createdAt },
  ]);
  const open = async ({ uid, webToken }: ChatPerson, server = one, deviceFlag = 1) => {
    const client = await new RpcClient(server.url).opened();
    await client.connect({ uid, token: webToken }, deviceFlag);
    return client;
  };
  const hearers: RpcClient[] = [];
  for (const person of people.slice(1)) hearers.push(await open(person));
  const [bens, ...others] = hearers as [RpcClient, ...RpcClient[]];
  const told = () =>
    bens.received.map((message) => ({
      channelId: message.channelId,
      noPersist: message.header.noPersist,
      ...payloadOf(message),
    }));
  const statusOf = (online: number) => ({
    uid: anna.uid,
    online,
    device_flag: 1,
    main_device_flag: 1,
    all_offline: 1 - online,
    last_offline: 0,
  });
  await settle();
  assert.deepEqual(told(), []);

  const first = await open(anna);
  await t.step("that somebody is there, in the chat with them", async () => {
    await waitUntil("the news", () => told().length === 1);
    assert.deepEqual(told(), [{
      channelId: anna.uid,
      noPersist: true,
      type: 99,
      cmd: "onlineStatus",
      param: statusOf(1),
    }]);
  });

  let last: RpcClient;
  await t.step(
    "nothing of a second socket, a reconnect, or a move to another process",
    async () => {
      const second = await open(anna);
      await first[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
      const again = await open(anna);
      await again[Symbol.asyncDispose]();
      last = await open(anna, two);
      await settle();
      assert.equal(told().length, 1);
    },
  );

  await t.step("that the last has gone, and when", async () => {
    const atSeconds = Math.floor(app.clock.now().getTime() / 1000);
    await last[Symbol.asyncDispose]();
    await waitUntil("the news", () => told().length === 2);
    const { last_offline: lastOffline, ...param } = told()[1]!.param;
    assert.deepEqual({ ...param, last_offline: 0 }, statusOf(0));
    assert.ok(Math.abs(lastOffline - atSeconds) <= 5);
  });

  await t.step("and nothing of who only looked in", async () => {
    await (await open(anna))[Symbol.asyncDispose]();
    await settle();
    assert.equal(told().length, 2);
  });

  await t.step("and nothing in GoBelieve, whose clients have no screens for it", async () => {
    await using bensOther = new GobelieveClient(one.url);
    assert.equal(await bensOther.auth({ token: ben.token }), 0);
    await using _again = await open(anna);
    await waitUntil("the news", () => told().length === 3);
    await bensOther.settled();
    assert.equal(bensOther.of(Cmd.rt).length, 0);
  });

  await t.step(
    "those who block or are blocked, and strangers, hear nothing; nothing is kept",
    async () => {
      for (const other of others) assert.deepEqual(other.received, []);
      const body = { message_seq: 0, limit: 100 };
      assert.deepEqual(await askIm(app, "POST", "/message/sync", { token: ben.token, body }), []);
    },
  );

  for (const client of hearers) await client[Symbol.asyncDispose]();
});

Deno.test("what is told of people is told once by all processes", async () => {
  await using app = await startTestApp();
  const say = (online: boolean) => rememberTold(app.ctx, [{ userId: 1, online }]);
  assert.deepEqual(await say(false), [false]);
  assert.deepEqual(await Promise.all([say(true), say(true)]), [[true], [false]]);
  assert.deepEqual(await Promise.all([say(false), say(false)]), [[true], [false]]);
});
