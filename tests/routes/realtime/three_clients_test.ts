import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { Cmd, GobelieveClient } from "../../clients/gobelieve.ts";
import { askIm, type ChatLogin, registerChat } from "../../clients/im.ts";
import { askPartner, grantToken, makeApp } from "../../clients/partner.ts";
import { payloadOf, RpcClient } from "../../clients/rpc.ts";
import { startTestApp } from "../../harness.ts";
import { startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { SdkClient } from "../../services/wukong_sdk.ts";

const GROUP = 2;

// deno-lint-ignore no-explicit-any -- the contract's own fields
type Json = any;

/** What somebody's chat app has of a group: ids and words, oldest first. */
async function imHistory(online: Parameters<typeof askIm>[0], { token }: ChatLogin, no: string) {
  const synced = await askIm(online, "POST", "/message/sync", { token, body: {} });
  return synced.filter((it: Json) => it.channel_id === no).map((it: Json) => {
    const bytes = Uint8Array.from(atob(it.payload), (letter) => letter.charCodeAt(0));
    return [it.message_id, JSON.parse(new TextDecoder().decode(bytes)).content];
  });
}

/**
 * Three people of the house in one group, each with a client of another protocol on the same
 * address; who speaks and who listens changes, and everybody ends up with the same conversation.
 */
Deno.test("three protocols are one chat: everybody hears everybody, in order", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const online = { ...app, fetch: server.fetch };
  const [anna, ben, cleo] = [
    await registerChat(online, "Anna"),
    await registerChat(online, "Ben"),
    await registerChat(online, "Cleo"),
  ];
  for (const friend of [ben, cleo]) {
    await app.ctx.db.execute(sql`
      insert into friends (user_id, friend_id, created_at, updated_at)
      select one.id, other.id, now(), now() from users as one, users as other
      where (one.uid, other.uid) in ((${anna.uid}, ${friend.uid}), (${friend.uid}, ${anna.uid}))`);
  }
  const made = await askIm(online, "POST", "/group/create", {
    token: anna.token,
    body: { name: "读书会", members: [ben.uid, cleo.uid] },
  });
  const groupNo: string = made.group_no;
  const { rows } = await app.ctx.db.execute<{ id: string; cleo_id: string }>(sql`
    select id::text, (select id from users where uid = ${cleo.uid})::text as cleo_id
    from groups where group_no = ${groupNo}`);
  const [groupId, cleoId] = [Number(rows[0]!.id), Number(rows[0]!.cleo_id)];

  await using annas = await SdkClient.load("three anna");
  const as = { uid: anna.uid, token: anna.token, deviceFlag: 0, addr: server.url };
  assert.equal((await annas.connect(as)).status, 1);
  await using bens = await new RpcClient(server.url).opened();
  await bens.connect({ uid: ben.uid, token: ben.token }, 0);
  const house = await makeApp(app.ctx, { house: true });
  const token = await grantToken(online, house, { uid: cleoId });
  await using cleos = await new GobelieveClient(server.url).follow({ token, platform: 1 });

  const textsOf = {
    anna: () => annas.messages.map(({ content }) => content.text).filter((text) => text),
    ben: () =>
      bens.received.map((message) => payloadOf(message)).filter(({ type }) => type === 1)
        .map(({ content }) => content),
    cleo: () =>
      cleos.shown.filter(({ cmd, receiver }) => cmd === Cmd.groupIm && receiver === groupId)
        .map(({ content }) => content),
  };
  const hasHeard = (who: keyof typeof textsOf, texts: string[]) =>
    waitUntil(who, () => textsOf[who]().length >= texts.length);
  const ids: [number, string][] = [];

  await t.step("the npm client's words", async () => {
    const texts = Array.from({ length: 20 }, (_, at) => `anna ${at} 你好`);
    for (const text of texts) {
      const ack = await annas.sendText(groupNo, GROUP, text);
      ids.push([Number(ack.messageId), text]);
    }
    for (const who of ["ben", "cleo"] as const) {
      await hasHeard(who, texts);
      assert.deepEqual(textsOf[who](), texts);
    }
  });

  await t.step("the GoBelieve client's words", async () => {
    const texts = Array.from({ length: 20 }, (_, at) => `cleo ${at} 😀`);
    for (const [at, content] of texts.entries()) {
      const words = { sender: cleoId, receiver: groupId, content, msgLocalId: at + 1 };
      assert.equal((await cleos.tell(Cmd.groupIm, words)).status, 0);
    }
    await waitUntil("anna", () => textsOf.anna().length >= 20);
    assert.deepEqual(textsOf.anna(), texts);
    await waitUntil("ben", () => textsOf.ben().length >= 40);
    assert.deepEqual(textsOf.ben().slice(20), texts);
    const heard = bens.received.filter((it) => payloadOf(it).type === 1).slice(20);
    ids.push(...heard.map((it): [number, string] => [
      Number(it.messageId),
      payloadOf(it).content,
    ]));
    assert.ok(heard.every((it) => it.fromUid === cleo.uid && it.channelId === groupNo));
    assert.equal(textsOf.cleo().length, 20, "her own do not come back to her");
  });

  await t.step("the JSON-RPC client's words", async () => {
    const texts = Array.from({ length: 20 }, (_, at) => `ben ${at}`);
    for (const content of texts) {
      const { result } = await bens.say(groupNo, GROUP, { type: 1, content });
      ids.push([Number(result.messageId), content]);
    }
    await waitUntil("anna", () => textsOf.anna().length >= 40);
    assert.deepEqual(textsOf.anna().slice(20), texts);
    await waitUntil("cleo", () => textsOf.cleo().length >= 40);
    assert.deepEqual(textsOf.cleo().slice(20), texts);
  });

  await t.step("everybody's history is the same messages, by the same ids", async () => {
    assert.equal(new Set(ids.map(([id]) => id)).size, 60);
    for (const person of [anna, ben, cleo]) {
      const history = await imHistory(online, person, groupNo);
      assert.deepEqual(history.slice(-60), ids, person.uid);
    }
    const partners = await askPartner(online, "GET /messages", { bearer: token });
    const ofGroup = partners.filter((it: Json) => it.receiver === groupId && it.command === 8)
      .map((it: Json) => [it.id, it.content]).reverse();
    assert.deepEqual(ofGroup, ids);
  });

  await t.step("and a pull over the socket brings it all, in that order", async () => {
    await using again = new GobelieveClient(server.url);
    assert.equal(await again.auth({ token, platform: 4, deviceId: "her computer" }), 0);
    again.send(Cmd.sync, [[64, 1]]);
    await again.settled();
    const texts = again.of(Cmd.groupIm).map(({ content }) => content);
    assert.deepEqual(texts, ids.map(([, text]) => text));
  });
});
