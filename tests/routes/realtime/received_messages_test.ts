import assert from "node:assert/strict";
import { askIm } from "../../clients/im.ts";
import { RpcClient } from "../../clients/rpc.ts";
import { withTx } from "../../../db/client/ctx.ts";
import { placeFriendship } from "../../../db/domain/friends/pair.ts";
import { startTestApp } from "../../harness.ts";
import { connectSdk, makeChatPerson, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";

/** By message id. */
type Numbers = Map<string, string>;

Deno.test("what nobody numbered has a number of its own, the same wherever it is read", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const [anna, ben] = [await makeChatPerson(app.ctx, "Anna"), await makeChatPerson(app.ctx, "Ben")];
  await using annas = await new RpcClient(server.url).opened();
  await annas.connect({ uid: anna.uid, token: anna.webToken });
  await using bensSdk = await connectSdk(server, ben);
  await using bensRpc = await new RpcClient(server.url).opened();
  await bensRpc.connect({ uid: ben.uid, token: ben.token }, 2);

  // Two things the system says in one channel, and two of a client that has no numbers.
  const { uid } = anna;
  await askIm(app, "POST", "/friend/apply", {
    token: anna.token,
    body: { to_uid: ben.uid, remark: "it is Anna" },
  });
  const [{ token }] = await askIm(app, "GET", "/friend/apply", { token: ben.token });
  await askIm(app, "POST", "/friend/sure", { token: ben.token, body: { token } });
  for (const content of ["it is", "it is"]) {
    await annas.say(ben.uid, 1, { type: 1, content }, { clientMsgNo: "" });
  }
  // deno-lint-ignore no-explicit-any -- as each surface answers
  const history: any[] = (await askIm(app, "POST", "/message/channel/sync", {
    token: ben.token,
    body: { channel_id: uid, channel_type: 1, limit: 30, start_message_seq: 0 },
  })).messages;
  const expected: Numbers = new Map(
    history.map((message) => [message.message_idstr, message.client_msg_no]),
  );

  await t.step("there are four, all different", () => {
    assert.equal(history.length, 4);
    assert.deepEqual([new Set(expected.values()).size, expected.size], [4, 4]);
    assert.ok(![...expected.values()].includes(""));
  });

  const agrees = (found: [id: unknown, number: unknown][]) => {
    const known = found.filter(([id]) => expected.has(String(id)));
    assert.deepEqual(
      new Map(known.map(([id, number]) => [String(id), number])),
      new Map(known.map(([id]) => [String(id), expected.get(String(id))])),
    );
    return known.length;
  };

  await t.step("on sockets, live", async () => {
    const binary = () => agrees(bensSdk.messages.map((it) => [it.messageID, it.clientMsgNo]));
    const text = () => agrees(bensRpc.received.map((it) => [it.messageId, it.clientMsgNo]));
    await waitUntil("all four", () => binary() === 4 && text() === 4);
  });

  await t.step("in syncs and in what is found", async () => {
    const ask = (path: string, body: Record<string, unknown>) =>
      askIm(app, "POST", path, { token: ben.token, body });
    // deno-lint-ignore no-explicit-any -- as each surface answers
    const agree = (messages: any[]) =>
      agrees(messages.map((it) => [it.message_id, it.client_msg_no]));
    assert.equal(agree(await ask("/message/sync", { limit: 100 })), 4);
    const found = await ask("/search/global", { keyword: "it is", page: 1, limit: 20 });
    assert.equal(agree(found.messages), 3);
    const { conversations } = await ask("/conversation/sync", { msg_count: 4 });
    // deno-lint-ignore no-explicit-any -- as each surface answers
    const [conversation] = conversations.filter((it: any) => it.channel_id === uid);
    assert.equal(agree(conversation.recents), 4);
    assert.equal(conversation.last_client_msg_no, [...expected.values()].at(-1));
  });
});

Deno.test("what tells of somebody's own doing has a red dot for everybody but them", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const [anna, ben] = [await makeChatPerson(app.ctx, "Anna"), await makeChatPerson(app.ctx, "Ben")];
  await withTx(app.ctx, (ctx) => placeFriendship(ctx, [anna.id, ben.id]));
  await using annasSdk = await connectSdk(server, anna);
  await using bensSdk = await connectSdk(server, ben);

  await askIm(app, "POST", "/group/create", { token: anna.token, body: { members: [ben.uid] } });
  const [annas, bens] = [await annasSdk.next(), await bensSdk.next()];
  await t.step("on sockets", () => {
    assert.equal(annas.messageID, bens.messageID);
    assert.deepEqual([annas.header.reddot, bens.header.reddot], [false, true]);
  });

  await t.step("in syncs", async () => {
    for (const [person, redDot] of [[anna, 0], [ben, 1]] as const) {
      const ask = (path: string) =>
        askIm(app, "POST", path, { token: person.token, body: { msg_count: 1 } });
      // deno-lint-ignore no-explicit-any -- as each surface answers
      const isIt = (it: any) => it.message_idstr === annas.messageID;
      assert.equal((await ask("/message/sync")).find(isIt).header.red_dot, redDot);
      const { conversations } = await ask("/conversation/sync");
      // deno-lint-ignore no-explicit-any -- as each surface answers
      const recents = conversations.flatMap((it: any) => it.recents);
      assert.equal(recents.find(isIt).header.red_dot, redDot);
    }
  });
});
