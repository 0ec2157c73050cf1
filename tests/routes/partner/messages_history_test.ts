import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { acknowledge } from "../../../db/domain/messages/acknowledge.ts";
import { ensurePeople } from "../../../db/domain/users/ensure_people.ts";
import { customers, sellers, stores } from "../../../db/schema/apps.ts";
import { askIm } from "../../clients/im.ts";
import {
  askPartner,
  assertNeedsPartner,
  assertPartnerFailure,
  callPartner,
  grantToken,
  makeApp,
  type TestPartner,
} from "../../clients/partner.ts";
import { payloadOf as receivedPayload, RpcClient } from "../../clients/rpc.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeGroup } from "../../people/factories.ts";
import { startChatServer } from "../../servers/chat.ts";
import { makeChatPerson } from "../im/chat_people.ts";

interface Item {
  id: number;
  content: string;
  timestamp: number;
  sender: number;
  receiver: number;
  command: number;
}

const HISTORY = "GET /messages";
const OFFLINE = "GET /messages/offline";

async function historyOf(
  app: TestApp,
  partner: TestPartner,
  uid: number,
  query: Record<string, string> = {},
): Promise<Item[]> {
  const bearer = await grantToken(app, partner, { uid });
  return await askPartner(app, HISTORY, { bearer, query });
}

const short = (items: Item[]) =>
  items.map(({ content, sender, receiver, command }) => [content, sender, receiver, command]);
const contents = (items: Item[]) => items.map(({ content }) => content);

async function userIdOf(app: TestApp, { appId }: TestPartner, appUid: number): Promise<number> {
  const [person] = await ensurePeople(app.ctx, { tenantId: appId, people: [{ appUid }] });
  return person!.userId;
}

/** Says something between two people of the app. */
async function say(
  app: TestApp,
  { basic }: TestPartner,
  [sender, receiver]: [number, number],
  content: string,
) {
  await askPartner(app, "POST /messages/peers", { basic, body: { sender, receiver, content } });
}

/** A desk of the app with these people at it. */
async function openStore(app: TestApp, partner: TestPartner, ...sellerUids: number[]) {
  const { appId } = partner;
  const [store] = await app.ctx.db.insert(stores)
    .values({ appId, name: "desk", createdAt: app.ctx.now() }).returning();
  for (const [position, uid] of sellerUids.entries()) {
    const userId = await userIdOf(app, partner, uid);
    await app.ctx.db.insert(sellers).values({ storeId: store!.id, userId, position });
  }
  return store!.id;
}

/** Makes somebody a customer under the partner's own id. */
async function makeCustomer(app: TestApp, partner: TestPartner, uid: number, customerId: string) {
  const { appId } = partner;
  const userId = await userIdOf(app, partner, uid);
  await app.ctx.db.insert(customers).values({
    userId,
    appId,
    customerId,
    createdAt: app.ctx.now(),
  });
}

Deno.test("GET /messages", async (t) => {
  await using app = await startTestApp();
  const partner = await makeApp(app.ctx);
  const { basic, appId } = partner;
  const people = [1, 2, 3];
  const members: { id: number }[] = [];
  for (const uid of people) members.push({ id: await userIdOf(app, partner, uid) });
  const group = await makeGroup(app.ctx, members, { appId });

  await t.step("shows every kind of message, newest first, in the contract's shape", async () => {
    await say(app, partner, [1, 2], "消息内容");
    await say(app, partner, [2, 1], "back");
    const toGroup = { sender: 1, receiver: group.id, content: "all" };
    await askPartner(app, "POST /messages/groups", { basic, body: toGroup });
    const news = { group_id: group.id, content: '{"upgrade":{"super":1}}' };
    await askPartner(app, "POST /messages/groups/notifications", { basic, body: news });
    await askPartner(app, "POST /messages/systems", { basic, body: { receiver: 2, content: "s" } });
    const items = await historyOf(app, partner, 2);
    assert.deepEqual(short(items), [
      ["s", 0, 2, 21],
      ['{"upgrade":{"super":1}}', 0, group.id, 7],
      ["all", 1, group.id, 8],
      ["back", 2, 1, 4],
      ["消息内容", 1, 2, 4],
    ]);
    for (const { id, timestamp } of items) {
      assert.ok(Number.isSafeInteger(id));
      assert.ok(Number.isInteger(timestamp) && Math.abs(timestamp - Date.now() / 1000) < 60);
    }
  });

  await t.step("shows both ends of a chat the same messages", async () => {
    const one = await historyOf(app, partner, 1), other = await historyOf(app, partner, 2);
    assert.deepEqual(one, other.slice(1));
    assert.deepEqual(short(await historyOf(app, partner, 3)).map(([content]) => content), [
      ...['{"upgrade":{"super":1}}', "all"],
    ]);
  });

  await t.step("shows what super groups have logged, copied already or not", async () => {
    const large = await makeGroup(app.ctx, members, { appId, isSuper: true });
    for (const content of ["g1", "g2"]) {
      const body = { sender: 1, receiver: large.id, content };
      await askPartner(app, "POST /messages/groups", { basic, body });
    }
    await say(app, partner, [1, 2], "between");
    const items = await historyOf(app, partner, 2);
    assert.deepEqual(contents(items).slice(0, 3), ["between", "g2", "g1"]);
    assert.deepEqual(short(items)[1], ["g2", 1, large.id, 8]);
    assert.deepEqual(await historyOf(app, partner, 2), items, "reading changes nothing");
    await app.ctx.db.execute(sql`
      update group_members set log_seq = 1 where group_id = ${large.id}
        and user_id = ${members[2]!.id}`);
    assert.deepEqual(contents(await historyOf(app, partner, 3)).slice(0, 1), ["g2"]);
  });

  await t.step("leaves out what was deleted, cleared, taken back or commanded", async () => {
    const [me, you] = [await userIdOf(app, partner, 11), await userIdOf(app, partner, 12)];
    for (const content of ["cleared", "deleted", "revoked", "kept"]) {
      await say(app, partner, [12, 11], content);
    }
    const idOf = async (content: string) =>
      (await historyOf(app, partner, 12)).find((item) => item.content === content)!.id;
    const { ctx } = app;
    await ctx.db.execute(sql`update inbox set deleted_at = now()
      where user_id = ${me} and message_id = ${await idOf("deleted")}`);
    await ctx.db.execute(sql`update conversations set cleared_seq = 1 where user_id = ${me}`);
    await ctx.db.execute(sql`update messages set revoked_at = now(), revoker_id = ${you}
      where id = ${await idOf("revoked")}`);
    await ctx.db.execute(sql`
      update messages set red_dot = false, content_type = 99, payload = '{"type":99,"cmd":"channelUpdate"}'
      where id = ${await idOf("cleared")}`);
    assert.deepEqual(contents(await historyOf(app, partner, 11)), ["kept"]);
    assert.deepEqual(contents(await historyOf(app, partner, 12)), ["kept", "deleted"]);
  });

  await t.step(
    "shows a partner's own commands, and none of the chat app's, whatever is in them",
    async () => {
      const own = [String.raw`{"type":99,"cmd":"mine","x":"\u0000"}`, '{"type":99}'];
      for (const content of own) await say(app, partner, [31, 32], content);
      await say(app, partner, [31, 32], String.raw`{"type":99,"cmd" : "typing","x":"\u0000"}`);
      assert.deepEqual(contents(await historyOf(app, partner, 32)), own.toReversed());
    },
  );

  await t.step("shows the newest 1024", async () => {
    const [me, you] = [await userIdOf(app, partner, 21), await userIdOf(app, partner, 22)];
    await app.ctx.db.execute(sql`
      with said as (
        insert into messages (channel_type, sender_id, receiver_id, payload, red_dot, created_at)
        select 1, ${you}::bigint, ${me}::bigint, '{"type":1,"content":"' || n || '"}', true, now()
        from generate_series(1, 1100) n returning id
      )
      insert into inbox (user_id, seq, message_id, channel_type, channel_id)
      select ${me}::bigint, row_number() over (order by id), id, 1, ${you}::bigint from said`);
    const items = await historyOf(app, partner, 21);
    assert.equal(items.length, 1024);
    assert.deepEqual([items[0]!.content, items.at(-1)!.content], ["1100", "77"]);
    const byId = items.map(({ id }) => id);
    assert.deepEqual(byId, byId.toSorted((a, b) => b - a));
  });

  await t.step("with a store shows customer service alone", async () => {
    const [first, second] = [
      await openStore(app, partner, 41, 42),
      await openStore(app, partner, 43),
    ];
    await makeCustomer(app, partner, 40, "c-40");
    await say(app, partner, [40, 41], "asked");
    await say(app, partner, [41, 40], "answered");
    await say(app, partner, [40, 43], "elsewhere");
    await say(app, partner, [40, 2], "private");
    await say(app, partner, [42, 40], "may I");
    const inStore = (store: number | string, uid = 40) =>
      historyOf(app, partner, uid, { store: String(store) });
    assert.deepEqual(short(await inStore(first)), [
      ["may I", 42, 40, 25],
      ["answered", 41, 40, 25],
      ["asked", 40, 41, 24],
    ]);
    assert.deepEqual(contents(await inStore(second)), ["elsewhere"]);
    assert.deepEqual(short(await historyOf(app, partner, 40)).map(([, , , command]) => command), [
      ...[25, 4, 24, 25, 24],
    ]);
    assert.deepEqual(short(await historyOf(app, partner, 41)), [
      ["answered", 41, 40, 25],
      ["asked", 40, 41, 24],
    ]);
    assert.deepEqual(contents(await inStore("", 41)), ["answered", "asked"]);
    assert.deepEqual(await inStore(second, 2), []);
  });

  await t.step("with a store shows sellers their customers, and no colleagues", async () => {
    const desk = await openStore(app, partner, 61, 62);
    await makeCustomer(app, partner, 60, "c-60");
    await say(app, partner, [61, 62], "lunch?");
    await say(app, partner, [60, 61], "asked");
    await say(app, partner, [61, 63], "elsewhere");
    await say(app, partner, [61, 60], "answered");
    const inDesk = async (uid: number) =>
      short(await historyOf(app, partner, uid, { store: String(desk) }));
    assert.deepEqual(await inDesk(61), [["answered", 61, 60, 25], ["asked", 60, 61, 24]]);
    assert.deepEqual(await inDesk(62), []);
    assert.deepEqual(await inDesk(60), [["answered", 61, 60, 25], ["asked", 60, 61, 24]]);
  });

  await t.step("reads on before a message, with a store and without", async () => {
    const desk = await openStore(app, partner, 71);
    await makeCustomer(app, partner, 70, "c-70");
    for (const content of ["one", "two", "three"]) {
      await say(app, partner, [70, 71], content);
      await say(app, partner, [70, 72], `${content}, apart`);
    }
    const [newest] = await historyOf(app, partner, 70, { store: String(desk) });
    const before = (query: Record<string, string>) =>
      historyOf(app, partner, 70, { before_id: String(newest!.id), ...query });
    assert.deepEqual(contents(await before({ store: String(desk) })), ["two", "one"]);
    assert.deepEqual(contents(await before({})), ["two, apart", "two", "one, apart", "one"]);
    assert.equal((await before({ before_id: "" })).length, 6);
    const bearer = await grantToken(app, partner, { uid: 70 });
    const wrong = { bearer, query: { before_id: "x" } };
    assertPartnerFailure(await callPartner(app, HISTORY, wrong));
  });

  await t.step("is the caller's own app's alone", async () => {
    const other = await makeApp(app.ctx);
    assert.deepEqual(await historyOf(app, other, 1), []);
    const theirs = await openStore(app, other, 1);
    const bearer = await grantToken(app, partner, { uid: 1 });
    for (const store of [String(theirs), "999999"]) {
      const answer = await callPartner(app, HISTORY, { bearer, query: { store } });
      assertPartnerFailure(answer, "咨询台不存在");
    }
    assertPartnerFailure(await callPartner(app, HISTORY, { bearer, query: { store: "x" } }));
    await assertNeedsPartner(app, HISTORY, { by: "client" });
  });
});

Deno.test("GET /messages/offline", async (t) => {
  await using app = await startTestApp();
  const partner = await makeApp(app.ctx);
  const { basic, appId } = partner;
  const ask = (query: Record<string, string>, credentials: { basic?: string; bearer?: string }) =>
    callPartner(app, OFFLINE, { query, ...credentials });
  await makeCustomer(app, partner, 1, "customer-1");

  await t.step("counts what others said and nobody fetched", async () => {
    const query = { customer_id: "customer-1", platform_id: "1", device_id: "d" };
    const asked = async () => (await ask(query, { basic })).data;
    assert.deepEqual(await asked(), { new: 0, count: 0 });
    await say(app, partner, [2, 1], "one");
    await say(app, partner, [2, 1], "two");
    await say(app, partner, [1, 2], "my own");
    assert.deepEqual(await asked(), { new: 1, count: 2 });
    const userId = await userIdOf(app, partner, 1);
    await acknowledge(app.ctx, { userId, seq: 1 });
    assert.deepEqual(await asked(), { new: 1, count: 1 });
    await acknowledge(app.ctx, { userId, seq: 3 });
    assert.deepEqual(await asked(), { new: 0, count: 0 });
  });

  await t.step("counts what super groups have logged, unless read there", async () => {
    const people = [{ id: await userIdOf(app, partner, 1) }, {
      id: await userIdOf(app, partner, 2),
    }];
    const large = await makeGroup(app.ctx, people, { appId, isSuper: true });
    for (const sender of [1, 2, 2]) {
      const body = { sender, receiver: large.id, content: "x" };
      await askPartner(app, "POST /messages/groups", { basic, body });
    }
    const asked = async () => (await ask({ uid: "1" }, { basic })).data;
    assert.deepEqual(await asked(), { new: 1, count: 2 });
    await app.ctx.db.execute(sql`update group_members set synced_seq = 2
      where group_id = ${large.id} and user_id = ${people[0]!.id}`);
    assert.deepEqual(await asked(), { new: 1, count: 1 });
    await app.ctx.db.execute(sql`update group_members set log_seq = 3
      where group_id = ${large.id} and user_id = ${people[0]!.id}`);
    assert.deepEqual(await asked(), { new: 0, count: 0 });
  });

  await t.step("counts no more what the history has shown", async () => {
    const desk = await openStore(app, partner, 81);
    await makeCustomer(app, partner, 80, "c-80");
    const count = async () =>
      (await askPartner(app, OFFLINE, { basic: partner.basic, query: { uid: "80" } })).count;
    const read = (query: Record<string, string>) => historyOf(app, partner, 80, query);
    await say(app, partner, [81, 80], "first");
    await say(app, partner, [80, 82], "my own word elsewhere");
    await say(app, partner, [81, 80], "second");
    assert.equal(await count(), 2);
    await read({ before_id: "1" });
    assert.equal(await count(), 2);
    await read({ store: String(desk) });
    assert.equal(await count(), 0);
    // Of a desk's history only as far as it has shown all.
    await say(app, partner, [81, 80], "third");
    await say(app, partner, [82, 80], "elsewhere");
    await say(app, partner, [81, 80], "fourth");
    await read({ store: String(desk) });
    assert.equal(await count(), 2);
    await read({});
    assert.equal(await count(), 0);
    const members = [80, 81];
    const body = { master: 81, name: "Super", super: true, members };
    const { group_id } = await askPartner(app, "POST /groups", { basic: partner.basic, body });
    await read({});
    const said = { sender: 81, receiver: group_id, content: "in the log" };
    await askPartner(app, "POST /messages/groups", { basic: partner.basic, body: said });
    assert.equal(await count(), 1);
    await read({});
    assert.equal(await count(), 0);
  });

  await t.step("answers a client for itself alone", async () => {
    const bearer = await grantToken(app, partner, { uid: 1 });
    await say(app, partner, [2, 1], "three");
    const queries: Record<string, string>[] = [{}, { uid: "1" }, { customer_id: "customer-1" }];
    for (const query of queries) {
      assert.deepEqual((await ask(query, { bearer })).data, { new: 1, count: 1 });
    }
    assertPartnerFailure(await ask({ uid: "2" }, { bearer }), "顾客不存在");
    assertPartnerFailure(await ask({ customer_id: "other" }, { bearer }), "顾客不存在");
  });

  await t.step("knows the caller's own app's people alone", async () => {
    const other = await makeApp(app.ctx);
    const query = { customer_id: "customer-1" };
    assertPartnerFailure(await ask(query, { basic: other.basic }), "顾客不存在");
    assertPartnerFailure(await ask({ uid: "1" }, { basic: other.basic }), "顾客不存在");
    assertPartnerFailure(await ask({ customer_id: "nobody" }, { basic }), "顾客不存在");
    assertPartnerFailure(await ask({ uid: "1", customer_id: "nobody" }, { basic }), "顾客不存在");
  });

  await t.step("refuses a server that does not say whom it means", async () => {
    assertPartnerFailure(await ask({}, { basic }), "请填写顾客编号或用户");
    assertPartnerFailure(await ask({ customer_id: "", uid: "" }, { basic }));
    assertPartnerFailure(await ask({ uid: "x" }, { basic }));
    assertPartnerFailure(await ask({ customer_id: "c".repeat(129) }, { basic }));
    await assertNeedsPartner(app, OFFLINE, { by: "either", query: { uid: "1" } });
  });
});

Deno.test("between the house's partner and the chat app", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const house = await makeApp(app.ctx, { house: true });
  const [anna, ben] = [await makeChatPerson(app, "Anna"), await makeChatPerson(app, "Ben")];

  await t.step("what the partner's server sends arrives in the chat app", async () => {
    await using client = await new RpcClient(server.url).opened();
    await client.connect(ben, 0);
    await say(app, house, [anna.userId, ben.userId], "来自合作方 👋");
    const [message] = await askIm(app, "POST", "/message/sync", { token: ben.token, body: {} });
    assert.deepEqual(
      [message.from_uid, message.channel_id, message.channel_type, message.header.red_dot],
      [anna.uid, anna.uid, 1, 1],
    );
    assert.deepEqual(receivedPayload(message), { type: 1, content: "来自合作方 👋" });
    const [conversation] = await askIm(app, "GET", "/conversations", { token: ben.token });
    assert.equal(conversation.unread, 1);
    assert.equal(conversation.last_message.message_id, message.message_id);
    const [own] = await askIm(app, "POST", "/message/sync", { token: anna.token, body: {} });
    assert.deepEqual([own.message_id, own.channel_id], [message.message_id, ben.uid]);
  });

  await t.step("what is said in the chat app is in the partner's client's history", async () => {
    await using client = await new RpcClient(server.url).opened();
    await client.connect(ben, 0);
    const said = await client.say(anna.uid, 1, { type: 1, content: "来自聊天 👋" });
    const items = await historyOf(app, house, anna.userId);
    assert.deepEqual(short(items), [
      ["来自聊天 👋", ben.userId, anna.userId, 4],
      ["来自合作方 👋", anna.userId, ben.userId, 4],
    ]);
    assert.equal(String(items[0]!.id), String(said.result.messageId));
    assert.deepEqual(await historyOf(app, house, ben.userId), items);
  });

  await t.step("a group is the same one, by its number here and there", async () => {
    const group = await makeGroup(app.ctx, [{ id: anna.userId }, { id: ben.userId }]);
    const { basic } = house;
    const body = { sender: anna.userId, receiver: group.id, content: "群里" };
    await askPartner(app, "POST /messages/groups", { basic, body });
    const synced = await askIm(app, "POST", "/message/sync", {
      token: ben.token,
      body: { channel_id: group.groupNo, channel_type: 2 },
    });
    assert.deepEqual(synced.map(receivedPayload), [{ type: 1, content: "群里" }]);
    const [newest] = await historyOf(app, house, ben.userId);
    assert.deepEqual(short([newest!]), [["群里", anna.userId, group.id, 8]]);
  });
});
