import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import type { BusEvent } from "../../../db/bus/bus.ts";
import { contentOf } from "../../../db/domain/messages/content.ts";
import { readInbox } from "../../../db/domain/messages/read_inbox.ts";
import { ensurePeople } from "../../../db/domain/users/ensure_people.ts";
import { blocks } from "../../../db/schema/blocks.ts";
import { HOUSE_APP_ID } from "../../../db/schema/columns.ts";
import {
  askPartner,
  assertNeedsPartner,
  assertPartnerFailure,
  callPartner,
  makeApp,
  type TestPartner,
} from "../../clients/partner.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeGroup, makeUser } from "../../people/factories.ts";
import { waitUntil } from "../../services/binary.ts";

const TOO_LONG = "长".repeat(10_923);

/** The ids of an app's people by their numbers. */
async function userIdsOf(app: TestApp, { appId }: TestPartner, ...appUids: number[]) {
  const people = appUids.map((appUid) => ({ appUid }));
  const found = await ensurePeople(app.ctx, { tenantId: appId, people });
  return found.map(({ userId }) => ({ id: userId }));
}

/** What somebody received and sent, oldest first. */
async function inboxOf(app: TestApp, person: { id: number } | undefined) {
  const found = await readInbox(app.ctx, { userId: person!.id, afterSeq: 0, limit: 100 });
  return found.map((it) => ({ ...it, content: contentOf(it.payload) }));
}

/** What the bus said since, of one kind. */
function listenTo(app: TestApp, kind: BusEvent["kind"]): BusEvent[] {
  const heard: BusEvent[] = [];
  app.ctx.bus.subscribe((event) => event.kind === kind && heard.push(event));
  return heard;
}

async function messageCount(app: TestApp): Promise<number> {
  const { rows } = await app.ctx.db.execute<{ count: string }>(sql`
    select count(*)::text as count from messages`);
  return Number(rows[0]!.count);
}

/** Bodies of which each is refused, and nothing is kept. */
async function assertRefused(app: TestApp, operation: string, basic: string, bodies: unknown[]) {
  const before = await messageCount(app);
  for (const body of bodies) {
    assertPartnerFailure(await callPartner(app, operation, { basic, body }));
  }
  assert.equal(await messageCount(app), before);
}

Deno.test("POST /messages/peers", async (t) => {
  await using app = await startTestApp();
  const partner = await makeApp(app.ctx);
  const { basic } = partner;
  const operation = "POST /messages/peers";
  const send = (body: unknown, credentials = basic) =>
    callPartner(app, operation, { basic: credentials, body });

  await t.step("keeps the message for both, under one id", async () => {
    const heard = listenTo(app, "inbox");
    const body = { sender: 1, receiver: 2, content: "消息内容" };
    assert.deepEqual(await askPartner(app, operation, { basic, body }), {});
    const [sender, receiver] = await userIdsOf(app, partner, 1, 2);
    const [sent] = await inboxOf(app, sender), [received] = await inboxOf(app, receiver);
    assert.equal(sent!.messageId, received!.messageId);
    assert.equal(received!.payload, JSON.stringify({ type: 1, content: "消息内容" }));
    assert.deepEqual([received!.fromId, received!.channelId, received!.redDot], [1, 1, true]);
    assert.deepEqual([sent!.fromId, sent!.channelId], [1, 2]);
    await waitUntil("the bus", () => heard.length > 0);
    const heads = (heard[0] as Extract<BusEvent, { kind: "inbox" }>).heads;
    assert.deepEqual(heads.map(({ userId }) => userId).sort(), [sender!.id, receiver!.id].sort());
  });

  await t.step("gives back exactly the content that came in, whatever it looks like", async () => {
    const contents = [
      ...["a", " ", "多字节 👋", '{"text":"hi","uuid":"1"}', '{"type":1,"content":"x"}', "[1]"],
      ...['{"type":2,"url":"u"}', '{"type":"2"}', '{"notification":"n"}', '\\"\n', "12"],
    ];
    for (const content of contents) {
      await askPartner(app, operation, { basic, body: { sender: 3, receiver: 4, content } });
    }
    const [receiver] = await userIdsOf(app, partner, 4);
    assert.deepEqual((await inboxOf(app, receiver)).map(({ content }) => content), contents);
  });

  await t.step("takes ids as digits, and oneself as receiver", async () => {
    await askPartner(app, operation, { basic, body: { sender: "5", receiver: 5, content: "me" } });
    const [person] = await userIdsOf(app, partner, 5);
    assert.deepEqual((await inboxOf(app, person)).map(({ content }) => content), ["me"]);
  });

  await t.step("with a client_msg_no is the same message however often it comes", async () => {
    const body = { sender: 6, receiver: 7, content: "once", client_msg_no: "n1" };
    for (let time = 0; time < 3; time++) await askPartner(app, operation, { basic, body });
    await askPartner(app, operation, { basic, body: { ...body, client_msg_no: "n2" } });
    await askPartner(app, operation, { basic, body: { ...body, sender: 8 } });
    const [sender, receiver] = await userIdsOf(app, partner, 6, 7);
    assert.deepEqual((await inboxOf(app, receiver)).map(({ seq }) => seq), [1, 2, 3]);
    assert.equal((await inboxOf(app, sender)).length, 2);
  });

  await t.step("asks nobody's blocks: that is the partner's business", async () => {
    const [sender, receiver] = await userIdsOf(app, partner, 9, 10);
    await app.ctx.db.insert(blocks).values({
      userId: receiver!.id,
      blockedId: sender!.id,
      createdAt: new Date(),
    });
    await askPartner(app, operation, { basic, body: { sender: 9, receiver: 10, content: "hi" } });
    assert.equal((await inboxOf(app, receiver)).length, 1);
  });

  await t.step("reaches people of the caller's own app alone", async () => {
    const other = await makeApp(app.ctx);
    await askPartner(app, operation, {
      basic: other.basic,
      body: { sender: 1, receiver: 2, content: "elsewhere" },
    });
    const [own] = await userIdsOf(app, partner, 2), [theirs] = await userIdsOf(app, other, 2);
    assert.notEqual(own!.id, theirs!.id);
    assert.equal((await inboxOf(app, own)).length, 1);
    assert.deepEqual((await inboxOf(app, theirs)).map(({ content }) => content), ["elsewhere"]);
    const houseUser = await makeUser(app.ctx);
    assert.equal((await send({ sender: 1, receiver: houseUser.id, content: "hi" })).http, 200);
    assert.deepEqual(await inboxOf(app, houseUser), [], "the house's person of that number");
  });

  await t.step("in the house reaches only people who are there", async () => {
    const house = await makeApp(app.ctx, { house: true });
    const [anna, ben] = [await makeUser(app.ctx), await makeUser(app.ctx)];
    const said = { sender: anna.id, receiver: ben.id, content: "hi" };
    assert.equal((await send(said, house.basic)).http, 200);
    assert.equal((await inboxOf(app, ben)).length, 1);
    const missing = { ...said, receiver: 1 };
    assertPartnerFailure(await send(missing, house.basic), "用户不存在");
    assertPartnerFailure(await send({ ...said, sender: 1 }, house.basic), "用户不存在");
  });

  await t.step("refuses what is no message", async () => {
    const good = { sender: 1, receiver: 2, content: "x" };
    await assertRefused(app, operation, basic, [
      ...[{ ...good, content: "" }, { ...good, content: 1 }, { ...good, content: null }],
      ...[{ ...good, sender: 0 }, { ...good, receiver: "ab" }, { ...good, receiver: 1.5 }],
      ...[{ sender: 1, receiver: 2 }, { sender: 1, content: "x" }, [], "x"],
      ...[{ ...good, client_msg_no: "n".repeat(101) }],
    ]);
    assertPartnerFailure(await send({ ...good, content: TOO_LONG }), "消息过长");
    await assertNeedsPartner(app, operation, { body: good });
  });
});

Deno.test("POST /messages/groups", async (t) => {
  await using app = await startTestApp();
  const partner = await makeApp(app.ctx);
  const { basic, appId } = partner;
  const operation = "POST /messages/groups";
  const people = await userIdsOf(app, partner, 1, 2, 3);
  const group = await makeGroup(app.ctx, people, { appId });
  const send = (body: Record<string, unknown>) =>
    callPartner(app, operation, { basic, body: { sender: 1, content: "消息内容", ...body } });

  await t.step("reaches every member; the sender need not be one", async () => {
    assert.deepEqual((await send({ receiver: group.id })).data, {});
    assert.equal((await send({ receiver: group.id, sender: 77 })).http, 200);
    for (const person of people) {
      const messages = await inboxOf(app, person);
      assert.deepEqual(
        messages.map((it) => [it.channelType, it.channelId, it.fromId, it.content, it.redDot]),
        [1, 77].map((sender) => [2, group.id, sender, "消息内容", true]),
      );
    }
  });

  await t.step("asks nobody's mutes", async () => {
    await app.ctx.db.execute(sql`update groups set forbidden = true where id = ${group.id}`);
    assert.equal((await send({ receiver: group.id, sender: 2 })).http, 200);
    assert.equal((await inboxOf(app, people[0])).length, 3);
  });

  await t.step("of a super group goes into its log, from which members read it", async () => {
    const large = await makeGroup(app.ctx, people, { appId, isSuper: true });
    const heard = listenTo(app, "group");
    const body = { receiver: large.id, content: "super", client_msg_no: "s1" };
    for (let time = 0; time < 2; time++) assert.equal((await send(body)).http, 200);
    await waitUntil("the bus", () => heard.length > 0);
    assert.deepEqual(heard[0], { kind: "group", groupId: large.id });
    for (const person of people) {
      const last = (await inboxOf(app, person)).filter(({ channelId }) => channelId === large.id);
      assert.deepEqual(last.map(({ content }) => content), ["super"]);
    }
  });

  await t.step("refuses groups that are not the app's, or no longer there", async () => {
    const other = await makeApp(app.ctx);
    const theirs = await makeGroup(app.ctx, people, { appId: other.appId });
    const house = await makeGroup(app.ctx, [await makeUser(app.ctx)]);
    for (const receiver of [theirs.id, house.id, 1]) {
      assertPartnerFailure(await send({ receiver }), "群不存在");
    }
    const gone = await makeGroup(app.ctx, people, { appId, disbandedAt: new Date() });
    assertPartnerFailure(await send({ receiver: gone.id }), "群已解散");
  });

  await t.step("refuses what is no message, and people the house does not have", async () => {
    await assertRefused(app, operation, basic, [
      ...[{ sender: 1, receiver: group.id }, { sender: 1, receiver: group.id, content: "" }],
      ...[{ receiver: group.id, content: "x" }, { sender: 1, receiver: "g", content: "x" }],
    ]);
    assertPartnerFailure(await send({ receiver: group.id, content: TOO_LONG }), "消息过长");
    const house = await makeApp(app.ctx, { house: true });
    const body = { sender: 1, receiver: group.id, content: "x" };
    assertPartnerFailure(await callPartner(app, operation, { basic: house.basic, body }));
    await assertNeedsPartner(app, operation, { body });
  });
});

Deno.test("POST /messages/systems", async (t) => {
  await using app = await startTestApp();
  const partner = await makeApp(app.ctx);
  const { basic } = partner;
  const operation = "POST /messages/systems";

  await t.step("keeps a message nobody said", async () => {
    const body = { receiver: 1, content: "消息内容" };
    assert.deepEqual(await askPartner(app, operation, { basic, body }), {});
    const [receiver] = await userIdsOf(app, partner, 1);
    const [message] = await inboxOf(app, receiver);
    assert.deepEqual(
      [message!.fromId, message!.fromUid, message!.channelType, message!.content, message!.redDot],
      [0, "", 1, "消息内容", true],
    );
  });

  await t.step("refuses what is no message, and people the house does not have", async () => {
    await assertRefused(app, operation, basic, [
      ...[{ receiver: 1 }, { content: "x" }, { receiver: 1, content: "" }],
      ...[{ receiver: -1, content: "x" }, { receiver: 1, content: TOO_LONG }],
    ]);
    const house = await makeApp(app.ctx, { house: true });
    const body = { receiver: 1, content: "x" };
    const answer = await callPartner(app, operation, { basic: house.basic, body });
    assertPartnerFailure(answer, "用户不存在");
    await assertNeedsPartner(app, operation, { body });
  });
});

Deno.test("POST /messages/notifications", async (t) => {
  await using app = await startTestApp();
  const partner = await makeApp(app.ctx);
  const { basic } = partner;
  const operation = "POST /messages/notifications";

  await t.step("tells whoever is connected, and keeps nothing", async () => {
    const heard = listenTo(app, "moment");
    const body = { receiver: 1, content: "消息内容" };
    assert.deepEqual(await askPartner(app, operation, { basic, body }), {});
    const [receiver] = await userIdsOf(app, partner, 1);
    await waitUntil("the bus", () => heard.length > 0);
    const said = heard[0] as Extract<BusEvent, { kind: "moment" }>;
    assert.deepEqual(
      [said.userIds, said.fromUid, said.fromId, said.channelType, contentOf(said.payload)],
      [[receiver!.id], "", 0, 1, "消息内容"],
    );
    assert.equal(heard.length, 1);
    assert.equal(await messageCount(app), 0);
    assert.deepEqual(await inboxOf(app, receiver), []);
  });

  await t.step("refuses what is no message, and people the house does not have", async () => {
    await assertRefused(app, operation, basic, [
      ...[{ receiver: 1 }, { content: "x" }, { receiver: 1, content: "" }],
      ...[{ receiver: "x", content: "x" }, { receiver: 1, content: TOO_LONG }],
    ]);
    const house = await makeApp(app.ctx, { house: true });
    const body = { receiver: 1, content: "x" };
    const answer = await callPartner(app, operation, { basic: house.basic, body });
    assertPartnerFailure(answer, "用户不存在");
    await assertNeedsPartner(app, operation, { body });
  });
});

Deno.test("POST /messages/groups/notifications", async (t) => {
  await using app = await startTestApp();
  const partner = await makeApp(app.ctx);
  const { basic, appId } = partner;
  const operation = "POST /messages/groups/notifications";
  const people = await userIdsOf(app, partner, 1, 2);
  const group = await makeGroup(app.ctx, people, { appId });
  const send = (body: Record<string, unknown>) => callPartner(app, operation, { basic, body });

  await t.step(
    "keeps exactly the content for partners' clients, and a tip for the chat app",
    async () => {
      const json = '{"update_name":{"group_id":1,"name":"读书会"}}';
      const long = "通知".repeat(500);
      for (const content of ["第{0}个通知", json, long]) {
        assert.deepEqual((await send({ group_id: group.id, content })).data, {});
      }
      for (const person of people) {
        const messages = await inboxOf(app, person);
        assert.deepEqual(messages.map(({ content }) => content), ["第{0}个通知", json, long]);
        assert.deepEqual(messages.map(({ fromId, channelId }) => [fromId, channelId]), [
          ...[[0, group.id], [0, group.id], [0, group.id]],
        ]);
        const tips = messages.map(({ payload }) => JSON.parse(payload));
        assert.deepEqual(tips.map(({ type }) => type), [2000, 2000, 2000]);
        assert.deepEqual(tips.map(({ content }) => content), [
          ...["第｛0｝个通知", "群通知", "通知".repeat(100)],
        ]);
      }
    },
  );

  await t.step("refuses groups that are empty, not the app's, or no longer there", async () => {
    const content = "x";
    const other = await makeApp(app.ctx);
    const theirs = await makeGroup(app.ctx, people, { appId: other.appId });
    for (const group_id of [theirs.id, 1]) {
      assertPartnerFailure(await send({ group_id, content }), "群不存在");
    }
    const gone = await makeGroup(app.ctx, people, { appId, disbandedAt: new Date() });
    assertPartnerFailure(await send({ group_id: gone.id, content }), "群已解散");
    const empty = await makeGroup(app.ctx, people, { appId, memberCount: 0 });
    assertPartnerFailure(await send({ group_id: empty.id, content }), "群里没有成员");
  });

  await t.step("refuses what is no message", async () => {
    await assertRefused(app, operation, basic, [
      ...[{ group_id: group.id }, { content: "x" }, { group_id: group.id, content: "" }],
      ...[{ group_id: "x", content: "x" }, { group_id: group.id, content: TOO_LONG }],
    ]);
    await assertNeedsPartner(app, operation, { body: { group_id: group.id, content: "x" } });
  });
});

Deno.test("POST /messages/rooms", async (t) => {
  await using app = await startTestApp();
  const partner = await makeApp(app.ctx);
  const { basic, appId } = partner;
  const operation = "POST /messages/rooms";

  await t.step("tells the app's chat room of that number, and keeps nothing", async () => {
    const heard = listenTo(app, "chat_room");
    const body = { sender: 1, receiver: 4711, content: "消息内容" };
    assert.deepEqual(await askPartner(app, operation, { basic, body }), {});
    await waitUntil("the bus", () => heard.length > 0);
    const said = heard[0] as Extract<BusEvent, { kind: "chat_room" }>;
    assert.deepEqual(
      [said.appId, said.chatRoomId, said.fromId, said.channelId, contentOf(said.payload)],
      [appId, 4711, 1, 4711, "消息内容"],
    );
    assert.match(said.fromUid, /^[a-f0-9]{32}$/);
    assert.equal(await messageCount(app), 0);
  });

  await t.step(
    "of the house speaks for people who are there, in the house's chat rooms",
    async () => {
      const house = await makeApp(app.ctx, { house: true });
      const heard = listenTo(app, "chat_room");
      const person = await makeUser(app.ctx);
      const body = { sender: person.id, receiver: 1, content: "x" };
      await askPartner(app, operation, { basic: house.basic, body });
      await waitUntil("the bus", () => heard.length > 0);
      const said = heard[0] as Extract<BusEvent, { kind: "chat_room" }>;
      assert.deepEqual([said.appId, said.fromUid], [HOUSE_APP_ID, person.uid]);
      const unknown = { ...body, sender: 1 };
      const answer = await callPartner(app, operation, { basic: house.basic, body: unknown });
      assertPartnerFailure(answer, "用户不存在");
    },
  );

  await t.step("refuses what is no message", async () => {
    await assertRefused(app, operation, basic, [
      ...[{ sender: 1, receiver: 1 }, { sender: 1, content: "x" }, { receiver: 1, content: "x" }],
      ...[{ sender: 1, receiver: 1, content: "" }, { sender: 1, receiver: 1, content: TOO_LONG }],
    ]);
    await assertNeedsPartner(app, operation, { body: { sender: 1, receiver: 1, content: "x" } });
  });
});
