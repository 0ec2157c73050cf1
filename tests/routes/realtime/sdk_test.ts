import assert from "node:assert/strict";
import { readInbox } from "../../../db/domain/messages/read_inbox.ts";
import { hashToken } from "../../../db/domain/sessions/access_secret.ts";
import { logOut } from "../../../db/domain/sessions/log_out.ts";
import { readOnline } from "../../../db/redis/presence.ts";
import { blocks } from "../../../db/schema/blocks.ts";
import { Reason } from "../../../routes/realtime/reasons.ts";
import { startTestApp } from "../../harness.ts";
import { makeGroup } from "../../people/factories.ts";
import { connectSdk, makeChatPerson, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { SdkClient } from "../../services/wukong_sdk.ts";

const PERSON = 1;
const GROUP = 2;

Deno.test("the npm client talks to people", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  await using server = startChatServer(app);
  const [anna, ben, cleo] = [
    await makeChatPerson(ctx, "Anna"),
    await makeChatPerson(ctx, "Ben"),
    await makeChatPerson(ctx, "Cleo"),
  ];
  await using annas = await connectSdk(server, anna);
  await using bens = await connectSdk(server, ben);

  await t.step("both ways, whatever the letters, with id and number", async () => {
    for (
      const [from, to, client, other] of [[anna, ben, annas, bens], [
        ben,
        anna,
        bens,
        annas,
      ]] as const
    ) {
      const ack = await client.sendText(to.uid, PERSON, "你好 😀 ñ");
      assert.equal(ack.reasonCode, Reason.success);
      const message = await other.next();
      assert.equal(message.content.text, "你好 😀 ñ");
      assert.deepEqual([message.fromUID, message.channel.channelID], [from.uid, from.uid]);
      assert.equal(message.messageID, ack.messageId);
      assert.ok(Math.abs(message.timestamp - Date.now() / 1000) < 60);
    }
    assert.deepEqual([annas.messages.length, bens.messages.length], [1, 1]);
  });

  await t.step("many in a row, in order, each once", async () => {
    const before = bens.messages.length;
    const acks = await Promise.all(
      Array.from({ length: 20 }, (_, i) => annas.sendText(ben.uid, PERSON, `no ${i}`)),
    );
    await waitUntil("all of them", () => bens.messages.length === before + 20);
    const heard = bens.messages.slice(before);
    assert.deepEqual(heard.map(({ content }) => content.text), acks.map((_, i) => `no ${i}`));
    const first = heard[0]!.messageSeq;
    assert.deepEqual(heard.map(({ messageSeq }) => messageSeq), acks.map((_, i) => first + i));
  });

  await t.step("in a group of three", async () => {
    const group = await makeGroup(ctx, [anna, ben, cleo]);
    await using cleos = await connectSdk(server, cleo);
    const ack = await annas.sendText(group.groupNo, GROUP, "to all");
    assert.equal(ack.reasonCode, Reason.success);
    for (const client of [bens, cleos]) {
      const message = await client.next(({ content }) => content.text === "to all");
      assert.deepEqual([message.channel.channelID, message.channel.channelType], [
        group.groupNo,
        GROUP,
      ]);
      assert.equal(message.fromUID, anna.uid);
    }
  });

  await t.step("in a large group's log", async () => {
    const group = await makeGroup(ctx, [anna, ben, cleo], { isSuper: true });
    const ack = await annas.sendText(group.groupNo, GROUP, "logged");
    assert.equal(ack.reasonCode, Reason.success);
    assert.ok(ack.messageSeq > 0);
    const message = await bens.next(({ content }) => content.text === "logged");
    assert.equal(message.messageID, ack.messageId);
    assert.equal(annas.messages.filter(({ content }) => content.text === "logged").length, 0);
  });

  await t.step("and hears why it may not", async () => {
    const say = async (channel: string, type: number) =>
      (await annas.sendText(channel, type, "may I?")).reasonCode;
    await ctx.db.insert(blocks).values({
      userId: cleo.id,
      blockedId: anna.id,
      createdAt: ctx.now(),
    });
    assert.equal(await say(cleo.uid, PERSON), Reason.in_blacklist);
    const others = await makeGroup(ctx, [ben, cleo]);
    assert.equal(await say(others.groupNo, GROUP), Reason.not_a_member);
    const silent = await makeGroup(ctx, [ben, anna], { forbidden: true });
    assert.equal(await say(silent.groupNo, GROUP), Reason.sending_not_allowed);
    const gone = await makeGroup(ctx, [ben, anna], { disbandedAt: ctx.now() });
    assert.equal(await say(gone.groupNo, GROUP), Reason.disbanded);
    assert.equal(await say("0".repeat(32), PERSON), Reason.channel_missing);
    assert.equal(await say("0".repeat(32), GROUP), Reason.channel_missing);
    assert.equal(await say(ben.uid, 3), Reason.channel_type_unsupported);
    assert.equal(
      (await annas.sendRaw("no JSON", ben.uid, PERSON)).reasonCode,
      Reason.payload_invalid,
    );
    assert.equal(bens.messages.filter(({ content }) => content.text === "may I?").length, 0);
  });
});

Deno.test("the npm client comes and goes", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  await using server = startChatServer(app);
  const [anna, ben] = [await makeChatPerson(ctx, "Anna"), await makeChatPerson(ctx, "Ben")];

  await t.step("with a wrong token, or another person's, it is refused", async () => {
    await using client = await SdkClient.load("nobody");
    for (const [uid, token] of [[anna.uid, "wrong"], [anna.uid, ben.token]] as const) {
      const status = await client.connect({ uid, token, addr: server.url });
      assert.deepEqual(status, { status: 3, reason: Reason.auth_failed });
      await client.disconnect();
    }
  });

  await t.step("another device sees what its owner sends; the same kind replaces it", async () => {
    await using app1 = await connectSdk(server, anna, { name: "anna app" });
    await using web = await connectSdk(server, anna, { name: "anna web", deviceFlag: 1 });
    const ack = await app1.sendText(ben.uid, PERSON, "from my phone");
    const seen = await web.next();
    assert.deepEqual([seen.messageID, seen.messageSeq], [ack.messageId, ack.messageSeq]);
    assert.deepEqual([seen.fromUID, seen.channel.channelID], [anna.uid, ben.uid]);
    await using app2 = await connectSdk(server, anna, { name: "anna app 2" });
    assert.deepEqual(await app1.nextStatus(4), { status: 4, reason: Reason.kicked });
    await web.sendText(ben.uid, PERSON, "from my desk");
    assert.equal((await app2.next()).content.text, "from my desk");
    assert.equal(web.statuses.at(-1)!.status, 1);
    assert.deepEqual(app1.messages, []);
  });

  await t.step("what it missed is not pushed but lies in its inbox", async () => {
    const before = (await readInbox(ctx, { userId: ben.id, afterSeq: 0, limit: 100 })).length;
    await using annas = await connectSdk(server, anna, { name: "anna app 3" });
    for (const word of ["one", "two", "three"]) await annas.sendText(ben.uid, PERSON, word);
    await using bens = await connectSdk(server, ben);
    await annas.sendText(ben.uid, PERSON, "four");
    assert.equal((await bens.next()).content.text, "four");
    assert.equal(bens.messages.length, 1);
    const missed = await readInbox(ctx, { userId: ben.id, afterSeq: before, limit: 100 });
    assert.deepEqual(missed.map(({ payload }) => JSON.parse(payload).content), [
      ...["one", "two", "three", "four"],
    ]);
  });

  await t.step("it is there for others to see while it is, and no longer", async () => {
    const seen = async () => (await readOnline(ctx, [ben.id])).get(ben.id)!;
    await waitUntil("gone", async () => !(await seen()).online);
    {
      await using _bens = await connectSdk(server, ben, { name: "ben web", deviceFlag: 1 });
      await waitUntil("there", async () => (await seen()).online);
      assert.deepEqual(await seen(), {
        online: true,
        deviceFlag: 1,
        deviceFlags: [1],
        lastOfflineAt: undefined,
      });
    }
    await waitUntil("gone", async () => !(await seen()).online);
    assert.ok(Math.abs((await seen()).lastOfflineAt!.getTime() - ctx.now().getTime()) < 5_000);
  });

  await t.step("logging out ends its connection", async () => {
    await using bens = await connectSdk(server, ben, { name: "ben again" });
    await logOut(ctx, { tokenHash: hashToken(ben.token) });
    assert.deepEqual(await bens.nextStatus(), { status: 4, reason: Reason.kicked });
  });
});
