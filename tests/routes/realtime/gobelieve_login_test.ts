import assert from "node:assert/strict";
import { Cmd, frameBytes, GobelieveClient, saidParts, shortText } from "../../clients/gobelieve.ts";
import { askPartner, grantToken, makeApp } from "../../clients/partner.ts";
import { RpcClient } from "../../clients/rpc.ts";
import { startTestApp } from "../../harness.ts";
import { makeChatPerson, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";

const KICKED = { code: 1000, reason: "kicked" };

Deno.test("whoever has a token is let in, and nobody else", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const partner = await makeApp(app.ctx);
  const { basic, appId } = partner;
  const granted = await grantToken(app, partner, { uid: 1 });
  const anna = await makeChatPerson(app.ctx, "Anna");

  await t.step("a granted token, a customer's, and any login of the house", async () => {
    await askPartner(app, "POST /stores", { basic, body: { name: "咨询台" } });
    const body = { appid: appId, customer_id: "c" };
    const customer = await askPartner(app, "POST /auth/customer", { body });
    for (const token of [granted, customer.token, anna.token, anna.webToken]) {
      await using client = new GobelieveClient(server.url);
      assert.equal(await client.auth({ token }), 0);
      const [answer] = client.frames;
      assert.deepEqual([answer!.seq, answer!.version, answer!.flag], [1, 2, 0]);
    }
  });

  await t.step("a wrong one is told so, and cut off", async () => {
    for (const token of ["", "0".repeat(64), "x".repeat(255)]) {
      const client = new GobelieveClient(server.url);
      assert.equal(await client.auth({ token }), 1);
      assert.deepEqual(await client.ended(), { code: 1000, reason: "refused" });
    }
  });

  await t.step("each version is answered in itself", async () => {
    for (const version of [0, 1, 2, 7]) {
      await using client = new GobelieveClient(server.url, { version });
      assert.equal(await client.auth({ token: granted }), 0);
      await client.sync();
      assert.ok(client.frames.every((frame) => frame.version === version));
    }
  });

  await t.step("who has logged in does not do so again", async () => {
    const client = new GobelieveClient(server.url);
    await client.auth({ token: granted });
    client.sendAuth({ token: granted });
    assert.equal((await client.ended()).code, 1002);
  });

  await t.step("what is broken ends the connection, after what came before it", async () => {
    const client = new GobelieveClient(server.url);
    await client.auth({ token: granted });
    const ping = client.bytes(Cmd.ping);
    client.socket.send(Uint8Array.from([...ping, ...ping.subarray(0, 5)]));
    assert.equal((await client.ended()).code, 1002);
    assert.equal(client.of(Cmd.pong).length, 1);
    const other = new GobelieveClient(server.url);
    await other.auth({ token: granted });
    other.socket.send("a text");
    assert.equal((await other.ended()).code, 1002);
  });

  await t.step("a token that is taken back ends its connections", async () => {
    const client = new GobelieveClient(server.url);
    await client.auth({ token: granted });
    await askPartner(app, "POST /auth/revoke", { basic, body: { uid: 1 } });
    assert.deepEqual(await client.ended(), KICKED);
    const again = new GobelieveClient(server.url);
    assert.equal(await again.auth({ token: granted }), 1);
    await again.ended();
  });
});

Deno.test("what comes before the login is nothing; what comes right behind it is answered", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const partner = await makeApp(app.ctx);
  const token = await grantToken(app, partner, { uid: 1 });
  await using other = await new GobelieveClient(server.url)
    .follow({ token: await grantToken(app, partner, { uid: 2 }) });

  await using client = await new GobelieveClient(server.url).opened();
  const words = { sender: 1, receiver: 2, content: "too early" };
  client.say(Cmd.im, words);
  client.send(Cmd.ping);
  client.send(Cmd.sync, [[64, 0]]);
  client.socket.send(Uint8Array.from([
    ...client.bytes(Cmd.authToken, [[8, 3], ...shortText(token), ...shortText("d")]),
    ...client.bytes(Cmd.sync, [[64, 0]]),
    ...client.bytes(Cmd.im, saidParts({ ...words, content: "in time" })),
    ...client.bytes(Cmd.ping),
  ]));
  await waitUntil("PONG", () => client.of(Cmd.pong).length === 1);
  assert.deepEqual(client.frames.map(({ cmd }) => cmd), [
    ...[Cmd.authStatus, Cmd.syncBegin, Cmd.syncEnd, Cmd.metadata, Cmd.ack, Cmd.pong],
  ]);
  await waitUntil("the message", () => other.shown.length > 0);
  assert.deepEqual(other.shown.map(({ content }) => content), ["in time"]);
});

Deno.test("a client of many super groups asks for all of them behind its login", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const token = await grantToken(app, await makeApp(app.ctx), { uid: 1 });
  await using client = await new GobelieveClient(server.url).opened();
  client.sendAuth({ token });
  client.send(Cmd.sync, [[64, 0]]);
  for (let groupId = 1; groupId <= 200; groupId++) {
    client.send(Cmd.syncGroup, [[64, groupId], [64, 1]]);
  }
  await client.settled();
  assert.equal(client.frames[0]!.status, 0);
});

Deno.test("a newer app ends the older one; browsers and computers go on side by side", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const token = await grantToken(app, await makeApp(app.ctx), { uid: 1 });
  const open = async (platform: number) => {
    const client = new GobelieveClient(server.url);
    assert.equal(await client.auth({ token, platform, deviceId: `${platform}` }), 0);
    return client;
  };
  await using webs = await open(3);
  await using moreWebs = await open(3);
  await using pc = await open(4);
  await using mac = await open(5);
  await using strange = await open(77);
  const iphone = await open(1);
  await using android = await open(2);
  assert.deepEqual(await iphone.ended(), KICKED);
  assert.deepEqual(iphone.of(Cmd.authStatus).map(({ status }) => status), [0, 1]);
  for (const client of [webs, moreWebs, pc, mac, strange, android]) await client.settled();
});

Deno.test("the same person's app is one, whatever it speaks", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const anna = await makeChatPerson(app.ctx, "Anna");
  await using rpc = await new RpcClient(server.url).opened();
  await rpc.connect(anna, 0);
  await using client = new GobelieveClient(server.url);
  assert.equal(await client.auth({ token: anna.token, platform: 1 }), 0);
  assert.equal((await rpc.ended()).reason, "kicked");
});

Deno.test("a client that pings every three minutes is not taken for gone, a silent one is", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app, { pollMs: 50 });
  const token = await grantToken(app, await makeApp(app.ctx), { uid: 1 });
  const client = new GobelieveClient(server.url);
  await client.auth({ token });
  for (const ms of [190_000, 350_000]) {
    app.clock.advance(ms);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await client.settled();
  }
  app.clock.advance(361_000);
  assert.deepEqual(await client.ended(), { code: 1001, reason: "idle" });
});

Deno.test("who says nothing, or nothing in time, is cut off", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app, { connectTimeoutMs: 200 });
  const client = await new GobelieveClient(server.url).opened();
  client.socket.send(frameBytes(Cmd.ping, []));
  assert.equal((await client.ended()).code, 1008);
});
