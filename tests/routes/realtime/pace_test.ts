import assert from "node:assert/strict";
import { readInbox } from "../../../db/domain/messages/read_inbox.ts";
import { Pace } from "../../../routes/realtime/pace.ts";
import { Cmd, GobelieveClient } from "../../clients/gobelieve.ts";
import { payloadOf, RpcClient } from "../../clients/rpc.ts";
import { startTestApp } from "../../harness.ts";
import { makeChatPerson, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { RawWukong } from "./raw_wukong.ts";

Deno.test("120 things are said at once, then 60 a second, by each person", () => {
  const pace = new Pace(1);
  for (let at = 0; at < 120; at++) assert.equal(pace.next(1, 1_000), 0);
  const waits = Array.from({ length: 60 }, () => pace.next(1, 1_000));
  assert.ok(waits.every((ms, at) => Math.abs(ms - (at + 1) * 1000 / 60) < 1e-6));
  assert.equal(pace.next(2, 1_000), 0);
  assert.equal(pace.next(1, 2_000 + 1000 / 60), 0, "what was waited for is over");
  for (let at = 0; at < 120; at++) assert.equal(pace.next(1, 60_000), 0);
  assert.ok(pace.next(1, 60_000) > 0, "no more than that is saved up");
});

Deno.test("a deployed client's 50 a second are never kept waiting; a factor of 0 waits for nobody", () => {
  const pace = new Pace(1);
  for (let at = 0; at < 3_000; at++) assert.equal(pace.next(1, at * 20), 0);
  const none = new Pace(0);
  for (let at = 0; at < 3_000; at++) assert.equal(none.next(1, 0), 0);
});

Deno.test("of 500 SENDs at once none is refused: they wait, in order, and nobody else does", async () => {
  // Ten times as fast as it is, so that the test is.
  await using app = await startTestApp({ env: { RATE_FACTOR: "10" } });
  await using server = startChatServer(app);
  const [anna, ben] = [await makeChatPerson(app.ctx, "Anna"), await makeChatPerson(app.ctx, "Ben")];
  await using client = await new RawWukong(server.url)
    .connected({ uid: anna.uid, token: anna.webToken });
  const saidCount = () => client.frames.filter(({ type }) => type === "sendack").length;
  for (let seq = 1; seq <= 500; seq++) client.socket.send(client.sendFrame(ben, seq));
  await waitUntil("all", () => saidCount() === 500, 30_000);
  assert.deepEqual(
    client.frames.flatMap((frame) =>
      frame.type === "sendack" ? [[frame.clientSeq, frame.reasonCode]] : []
    ),
    Array.from({ length: 500 }, (_, at) => [at + 1, 1]),
  );
  const kept = await readInbox(app.ctx, { userId: ben.id, afterSeq: 0, limit: 500 });
  assert.deepEqual(
    kept.map(({ payload }) => JSON.parse(payload).content),
    Array.from({ length: 500 }, (_, at) => String(at + 1)),
  );
});

Deno.test("who waits goes on hearing, and others go on speaking", async () => {
  // One in 1.7 seconds, so that a busy machine does not keep them apart by itself.
  await using app = await startTestApp({ env: { RATE_FACTOR: "0.01" } });
  await using server = startChatServer(app);
  const [anna, ben] = [await makeChatPerson(app.ctx, "Anna"), await makeChatPerson(app.ctx, "Ben")];
  const carl = await makeChatPerson(app.ctx, "Carl");
  await using client = await new RpcClient(server.url).opened();
  await using other = await new RpcClient(server.url).opened();
  await using third = await new RpcClient(server.url).opened();
  await third.connect({ uid: carl.uid, token: carl.webToken });
  await client.connect({ uid: anna.uid, token: anna.webToken });
  await other.connect({ uid: ben.uid, token: ben.webToken });
  // The first message of a database takes its time.
  await other.say(anna.uid, 1, { type: 1, content: "hello" });
  let answered = 0;
  const startedAtMs = performance.now();
  const said = Promise.all(Array.from({ length: 3 }, async (_, at) => {
    const answer = await client.say(ben.uid, 1, { type: 1, content: String(at) });
    answered++;
    return answer;
  }));
  await waitUntil("the first", () => answered >= 1);
  await third.say(anna.uid, 1, { type: 1, content: "how is it going?" });
  await waitUntil("the news", () => client.received.length === 2);
  assert.ok(answered < 3, "while they wait");
  assert.ok((await said).every(({ error }) => error === undefined));
  assert.ok(performance.now() - startedAtMs > 2_500);
  await waitUntil("all", () => other.received.length === 3);
  assert.deepEqual(
    other.received.map((message) => payloadOf(message).content),
    Array.from({ length: 3 }, (_, at) => String(at)),
  );
});

Deno.test("GoBelieve's clients wait alike, and one that goes while it waits is gone at once", async () => {
  await using app = await startTestApp({ env: { RATE_FACTOR: "0.1" } });
  const server = startChatServer(app);
  const [anna, ben] = [await makeChatPerson(app.ctx, "Anna"), await makeChatPerson(app.ctx, "Ben")];
  await using client = new GobelieveClient(server.url);
  assert.equal(await client.auth({ token: anna.webToken }), 0);
  for (let at = 1; at <= 15; at++) {
    client.say(Cmd.im, { sender: anna.id, receiver: ben.id, content: String(at), msgLocalId: at });
  }
  await waitUntil("all", () => client.of(Cmd.ack).length === 15, 10_000);
  assert.ok(client.of(Cmd.ack).every(({ status }) => status === 0));
  for (let at = 16; at <= 60; at++) {
    client.say(Cmd.im, { sender: anna.id, receiver: ben.id, content: String(at), msgLocalId: at });
  }
  const stoppedAtMs = performance.now();
  await server[Symbol.asyncDispose]();
  assert.ok(performance.now() - stoppedAtMs < 3_000);
});
