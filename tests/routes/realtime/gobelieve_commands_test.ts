import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { notifiedAs } from "../../../db/domain/messages/content.ts";
import { readInbox } from "../../../db/domain/messages/read_inbox.ts";
import { sendMessage } from "../../../db/domain/messages/send.ts";
import { Cmd, type GobelieveClient } from "../../clients/gobelieve.ts";
import { askPartner, grantToken, makeApp } from "../../clients/partner.ts";
import { RpcClient } from "../../clients/rpc.ts";
import { startTestApp } from "../../harness.ts";
import { makeGroup } from "../../people/factories.ts";
import { makeChatPerson, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { contentsOf, follow, makePeople, post } from "./gobelieve_people.ts";

const PUSH = 16, SELF = 8;

Deno.test("what a partner's server says arrives by its own command", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const { partner, tokens, idOf } = await makePeople(app, 2);
  await using anna = await follow(server, tokens[1]!);
  const contents = ["a", "多字节 👋", '{"text":"hi"}', '{"type":1,"content":"x"}', "[1]"];

  await t.step("system messages, kept", async () => {
    for (const content of contents) {
      await post(app, partner, "/messages/systems", { receiver: 1, content });
    }
    await waitUntil("them", () => anna.shown.length === contents.length);
    assert.deepEqual(contentsOf(anna.shown), contents);
    assert.ok(anna.shown.every(({ cmd }) => cmd === Cmd.system));
    await using again = await follow(server, tokens[1]!, { key: 2 });
    assert.deepEqual(contentsOf(again.shown), contents.slice(2));
  });

  await t.step("notifications, for who is there", async () => {
    const body = { receiver: 1, content: '{"type":99,"cmd":"theirs"}' };
    await post(app, partner, "/messages/notifications", body);
    const heard = await anna.next(({ cmd }) => cmd === Cmd.notification);
    assert.deepEqual([heard.content, heard.flag], [body.content, 0]);
    assert.equal((await readInbox(app.ctx, { userId: idOf(1), afterSeq: 5, limit: 9 })).length, 0);
  });

  await t.step("messages in people's names, to both of them", async () => {
    const before = anna.shown.length;
    await post(app, partner, "/messages/peers", { sender: 1, receiver: 2, content: "mine" });
    await post(app, partner, "/messages/peers", { sender: 2, receiver: 1, content: "theirs" });
    await waitUntil("both", () => anna.shown.length === before + 2);
    assert.deepEqual(
      anna.shown.slice(before).map(({ cmd, sender, receiver }) => [cmd, sender, receiver]),
      [[Cmd.im, 1, 2], [Cmd.im, 2, 1]],
    );
  });

  await t.step("commands to the chat app's screens are left out, and break no chain", async () => {
    const heard = anna.frames.length;
    const { key } = anna;
    const send = (payload: unknown, redDot: boolean) =>
      sendMessage(app.ctx, {
        senderId: undefined,
        clientMsgNo: undefined,
        redDot,
        channel: { type: 1, userId: idOf(1) },
        payload: JSON.stringify(payload),
      });
    await send({ type: 99, cmd: "friendRequest", param: {} }, false);
    await send({ type: 1, content: "shown" }, true);
    await waitUntil("it", () => anna.frames.length >= heard + 3);
    const [metadata, system] = anna.frames.slice(heard);
    assert.deepEqual([metadata!.key, metadata!.previousKey], [key + 2, key]);
    assert.deepEqual([system!.cmd, system!.content], [Cmd.system, "shown"]);
    assert.equal(anna.key, key + 2);
  });

  await t.step("of several notifications in one message each, pushed and pulled", async () => {
    const [before, { key }] = [anna.shown.length, anna];
    const contents = ["first", "second", "third"];
    await sendMessage(app.ctx, {
      senderId: undefined,
      clientMsgNo: undefined,
      redDot: true,
      channel: { type: 1, userId: idOf(1) },
      payload: JSON.stringify({ type: 1003, ...notifiedAs(contents) }),
    });
    await waitUntil("them", () => anna.shown.length === before + 3);
    assert.deepEqual(contentsOf(anna.shown.slice(before)), contents);
    assert.equal(anna.key, key + 1, "one message has one key");
    await using again = await follow(server, tokens[1]!, { key });
    assert.deepEqual(contentsOf(again.shown), contents);
  });
});

Deno.test("customers and who helps them have a command of their own", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const { partner, tokens } = await makePeople(app, 2);
  const { appId, basic } = partner;
  await askPartner(app, "POST /stores", { basic, body: { name: "咨询台", sellers: [{ uid: 1 }] } });
  const { token, client_id: customer } = await askPartner(app, "POST /auth/customer", {
    body: { appid: appId, customer_id: "c" },
  });
  await using seller = await follow(server, tokens[1]!);
  await using client = await follow(server, token);

  const asked = [[64, appId], [64, customer], [64, appId], [64, 1], [32, 5]] as [32 | 64, number][];
  assert.equal((await client.acked(client.send(Cmd.customer, [...asked, "在吗？"]))).status, 0);
  await waitUntil("it", () => seller.shown.length === 1);
  const [question] = seller.shown;
  const { cmd, senderApp, sender, receiverApp, receiver, content } = question!;
  assert.deepEqual(
    { cmd, senderApp, sender, receiverApp, receiver, content },
    {
      cmd: Cmd.customer,
      senderApp: appId,
      sender: customer,
      receiverApp: appId,
      receiver: 1,
      content: "在吗？",
    },
  );
  assert.ok(question!.timestamp! > 1_700_000_000);

  const answer = { sender: 1, receiver: customer, content: "在的" };
  assert.equal((await seller.tell(Cmd.im, answer)).status, 0);
  // The customer had no key yet, and pulls: their own question is among it, marked as such.
  await waitUntil("the answer", () => client.shown.length === 2);
  assert.deepEqual(
    client.shown.map(({ cmd, flag, sender, receiver }) => [cmd, flag, sender, receiver]),
    [[Cmd.customer, SELF, customer, 1], [Cmd.customer, 0, 1, customer]],
  );
  const history = await askPartner(app, "GET /messages", { bearer: token });
  assert.deepEqual(history.map((it: { content: string }) => it.content), ["在的", "在吗？"]);
});

Deno.test("what is for the moment reaches who is there, and nobody is told of it", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const house = await makeApp(app.ctx, { house: true });
  const [anna, ben] = [await makeChatPerson(app.ctx, "Anna"), await makeChatPerson(app.ctx, "Ben")];
  const token = await grantToken(app, house, { uid: anna.id });
  await using annas = await follow(server, token);
  await using others = await follow(server, token, { deviceId: "her tablet" });
  await using bens = await follow(server, ben.token);
  await using rpc = await new RpcClient(server.url).opened();
  await rpc.connect({ uid: ben.uid, token: ben.webToken });
  for (const content of ["typing", '{"type":99,"cmd":"typing","param":{}}']) {
    annas.send(Cmd.rt, [[64, anna.id], [64, ben.id], content]);
    const heard = await bens.next((frame) => frame.content === content);
    assert.deepEqual(
      [heard.cmd, heard.sender, heard.receiver, heard.flag],
      [Cmd.rt, anna.id, ben.id, 0],
    );
  }
  await waitUntil("the chat app's", () => rpc.received.length === 2);
  for (const { payload, header } of rpc.received) {
    assert.equal(JSON.parse(atob(payload)).type, 99, "nothing to be shown");
    assert.equal(header.noPersist, true);
  }
  const header = { noPersist: true };
  await rpc.say(anna.uid, 1, { type: 99, cmd: "typing", param: {} }, { header });
  const back = await annas.next(({ cmd }) => cmd === Cmd.rt);
  assert.deepEqual([back.sender, back.receiver], [ben.id, anna.id]);
  annas.send(Cmd.rt, [[64, anna.id], [64, 1], "nobody"]);
  annas.send(Cmd.unreadCount, [[32, 3]]);
  await annas.settled();
  assert.equal(annas.of(Cmd.ack).length, 0);
  assert.equal(others.of(Cmd.rt).length, 1, "only what was for her");
});

Deno.test("groups hear what their members say, and what nobody says", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const { partner, tokens, idOf } = await makePeople(app, 4);
  const members = [1, 2, 3].map((appUid) => ({ id: idOf(appUid) }));
  const group = await makeGroup(app.ctx, members, { appId: partner.appId });
  await using anna = await follow(server, tokens[1]!);
  await using ben = await follow(server, tokens[2]!);

  await t.step("pulled, then pushed", async () => {
    for (const content of ["大家好", "again"]) {
      const ack = await anna.tell(Cmd.groupIm, { sender: 1, receiver: group.id, content });
      assert.equal(ack.status, 0);
      await waitUntil("it", () => ben.shown.at(-1)?.content === content);
    }
    assert.deepEqual(
      ben.shown.map(({ cmd, sender, receiver, flag }) => [cmd, sender, receiver, flag]),
      [0, PUSH].map((flag) => [Cmd.groupIm, 1, group.id, flag]),
    );
    await using cleo = await follow(server, tokens[3]!);
    assert.deepEqual(contentsOf(cleo.shown), ["大家好", "again"]);
  });

  await t.step("a group's news has its own command, and exactly its content", async () => {
    const content = JSON.stringify({ update_name: { group_id: group.id, name: "读书会" } });
    await post(app, partner, "/messages/groups/notifications", { group_id: group.id, content });
    await waitUntil("it", () => ben.shown.length === 3);
    assert.deepEqual([ben.shown[2]!.cmd, ben.shown[2]!.content], [Cmd.groupNotification, content]);
    const params = { gid: group.id };
    const body = { members: [{ uid: 4, name: "Dan" }] };
    await askPartner(app, "POST /groups/{gid}/members", { basic: partner.basic, params, body });
    await waitUntil("it", () => ben.shown.length === 4);
    assert.equal(ben.shown[3]!.cmd, Cmd.groupNotification);
    assert.equal(JSON.parse(ben.shown[3]!.content!).add_member.member_id, 4);
  });

  await t.step("who is not in it, or silent, is told why not", async () => {
    const status = async (client: GobelieveClient, sender: number, receiver: number) =>
      (await client.tell(Cmd.groupIm, { sender, receiver, content: "may I?" })).status;
    const others = await makeGroup(app.ctx, [{ id: idOf(2) }], { appId: partner.appId });
    assert.equal(await status(anna, 1, others.id), 64);
    assert.equal(await status(anna, 1, 12345), 65);
    const gone = await makeGroup(app.ctx, members, {
      appId: partner.appId,
      disbandedAt: new Date(),
    });
    assert.equal(await status(anna, 1, gone.id), 65);
    await app.ctx.db.execute(sql`update groups set forbidden = true where id = ${group.id}`);
    assert.equal(await status(ben, 2, group.id), 255);
    assert.equal(await status(anna, 1, group.id), 0);
  });
});
