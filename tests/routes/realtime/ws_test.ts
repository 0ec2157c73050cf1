import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readInbox } from "../../../db/domain/messages/read_inbox.ts";
import { sendMessage } from "../../../db/domain/messages/send.ts";
import { Reason } from "../../../routes/realtime/reasons.ts";
import { payloadOf, RpcClient } from "../../clients/rpc.ts";
import { startTestApp } from "../../harness.ts";
import { makeGroup } from "../../people/factories.ts";
import { connectSdk, makeChatPerson, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { RawWukong } from "./raw_wukong.ts";

Deno.test("JSON-RPC speaks to the npm client and back", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const [anna, ben] = [await makeChatPerson(app.ctx, "Anna"), await makeChatPerson(app.ctx, "Ben")];
  await using annas = await new RpcClient(server.url).opened();

  await t.step("before connect nothing is answered but connect", async () => {
    annas.socket.send(JSON.stringify({ method: "ping", id: 77 }));
    annas.socket.send(JSON.stringify({ method: "nonsense", id: 78 }));
    const { result } = await annas.connect({ uid: anna.uid, token: anna.webToken });
    assert.equal(result.reasonCode, Reason.success);
    assert.ok(Math.abs(result.timeDiff) < 5_000);
    assert.deepEqual(annas.others, []);
  });

  await t.step("a ping's answer has the ping's id, number or text", async () => {
    assert.deepEqual(await annas.ask("ping", {}, 1234), { jsonrpc: "2.0", id: 1234, result: {} });
    assert.equal((await annas.ask("ping", undefined, "p-1")).id, "p-1");
    assert.equal((await annas.ask("nonsense")).error.code, -32601);
  });

  await t.step("messages go both ways", async () => {
    await using bens = await connectSdk(server, ben);
    const { result } = await annas.say(ben.uid, 1, { type: 1, content: "你好 😀" });
    assert.equal(result.reasonCode, Reason.success);
    const heard = await bens.next();
    assert.deepEqual([heard.content.text, heard.messageID], ["你好 😀", result.messageId]);
    const ack = await bens.sendText(anna.uid, 1, "back");
    await waitUntil("the answer", () => annas.received.length === 1);
    const [message] = annas.received;
    assert.deepEqual(payloadOf(message), { type: 1, content: "back" });
    assert.deepEqual(
      [message.messageId, message.fromUid, message.channelId, message.channelType],
      [ack.messageId, ben.uid, ben.uid, 1],
    );
    assert.ok(message.messageSeq > 0);
  });

  await t.step("sent again under the same number it is the same message", async () => {
    const over = { clientMsgNo: "once" };
    const first = await annas.say(ben.uid, 1, { type: 1, content: "x" }, over);
    const second = await annas.say(ben.uid, 1, { type: 1, content: "x" }, over);
    assert.deepEqual(second.result, first.result);
    const none = { clientMsgNo: "" };
    const third = await annas.say(ben.uid, 1, { type: 1, content: "x" }, none);
    const fourth = await annas.say(ben.uid, 1, { type: 1, content: "x" }, none);
    assert.notEqual(fourth.result.messageId, third.result.messageId);
  });

  await t.step("what is not to be kept reaches who is there, under the same rules", async () => {
    await using bens = await new RpcClient(server.url).opened();
    await bens.connect({ uid: ben.uid, token: ben.webToken });
    await using other = await new RpcClient(server.url).opened();
    await other.connect({ uid: anna.uid, token: anna.token }, 2);
    const group = await makeGroup(app.ctx, [ben, anna], { forbidden: true });
    const before = (await readInbox(app.ctx, { userId: ben.id, afterSeq: 0, limit: 500 })).length;
    const header = { noPersist: true };
    const said = await annas.say(ben.uid, 1, { type: 99, cmd: "typing", param: {} }, { header });
    assert.deepEqual([said.result.reasonCode, said.result.messageSeq], [Reason.success, 0]);
    await waitUntil("both", () => bens.received.length + other.received.length === 2);
    const channelOf = (client: RpcClient) => client.received[0].channelId;
    assert.deepEqual([channelOf(bens), channelOf(other)], [anna.uid, ben.uid]);
    assert.equal(bens.received[0].header.noPersist, true);
    assert.equal(annas.received.length, 1);
    const refused = await annas.say(group.groupNo, 2, { type: 1, content: "x" }, { header });
    assert.equal(refused.error.code, Reason.sending_not_allowed);
    const after = (await readInbox(app.ctx, { userId: ben.id, afterSeq: 0, limit: 500 })).length;
    assert.equal(after, before);
  });

  await t.step("a wrong token is an error, and the end", async () => {
    const client = await new RpcClient(server.url).opened();
    assert.equal(
      (await client.connect({ uid: anna.uid, token: "wrong" })).error.code,
      Reason.auth_failed,
    );
    assert.equal((await client.ended()).code, 1000);
  });
});

Deno.test("what is no protocol of ours is cut off", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app, { connectTimeoutMs: 300 });
  const openSocket = async () => (await new RpcClient(server.url).opened());

  for (const first of ["hello", "", new Uint8Array(), Uint8Array.of(0), Uint8Array.of(0x70)]) {
    await t.step(`first ${JSON.stringify(first)}`, async () => {
      const client = await openSocket();
      client.socket.send(first);
      assert.equal((await client.ended()).code, 1002);
    });
  }
  await t.step("a protocol is kept to", async () => {
    const client = await openSocket();
    client.socket.send('{"method":"ping","id":1}');
    client.socket.send(Uint8Array.of(0x10));
    assert.equal((await client.ended()).code, 1002);
  });
  await t.step("no CONNECT in time", async () => {
    assert.equal((await (await openSocket()).ended()).code, 1008);
  });
  await t.step("and what is no WebSocket is told so", async () => {
    const response = await fetch(server.url.replace("ws:", "http:"));
    assert.equal(response.status, 426);
    await response.body?.cancel();
  });
});

Deno.test("frames may come glued, and cut anywhere; a bad one ends it after the good ones", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const [anna, ben] = [await makeChatPerson(app.ctx), await makeChatPerson(app.ctx)];
  const client = new RawWukong(server.url);
  const { socket, frames } = client;
  await waitUntil("open", () => socket.readyState === WebSocket.OPEN);
  const connect = client.connectFrame({ uid: anna.uid, token: anna.webToken });
  socket.send(connect.subarray(0, 20));
  socket.send(connect.subarray(20));
  await waitUntil("CONNACK", () => frames.length === 1);
  const glued = [1, 2, 3, 4, 5].flatMap((seq) => [...client.sendFrame(ben, seq)]);
  socket.send(Uint8Array.from([...glued, 0x70, ...client.sendFrame(ben, 6).subarray(0, 9)]));
  await waitUntil("the answers", () => frames.length === 7);
  assert.deepEqual(frames.map(({ type }) => type), [
    ...["connack", "sendack", "sendack", "sendack", "sendack", "sendack", "pong"],
  ]);
  assert.deepEqual(frames.slice(1, 6).map(({ messageSeq }) => messageSeq), [1, 2, 3, 4, 5]);
  const { promise: closed, resolve } = Promise.withResolvers<number>();
  socket.onclose = ({ code }) => resolve(code);
  socket.send(Uint8Array.from([...client.sendFrame(ben, 6).subarray(9), 0xf0]));
  assert.equal(await closed, 1002);
  assert.deepEqual([frames.length, frames.at(-1)!.messageSeq], [8, 6]);
});

Deno.test("who does not read is cut off and finds everything in the inbox", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app, { slowMs: 500 });
  const [anna, ben] = [await makeChatPerson(app.ctx), await makeChatPerson(app.ctx)];
  // A hand-made client, as a WebSocket would read on by itself.
  const { hostname, port } = new URL(server.url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const write = (text: string | Uint8Array<ArrayBuffer>) =>
    connection.write(typeof text === "string" ? new TextEncoder().encode(text) : text);
  await write(
    `GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  const connect = { uid: ben.uid, token: ben.webToken, deviceFlag: 1 };
  await write(textFrame(JSON.stringify({ method: "connect", id: 1, params: connect })));
  const buffer = new Uint8Array(4096);
  let head = "";
  while (!head.includes('"reasonCode":1')) {
    head += new TextDecoder().decode(buffer.subarray(0, (await connection.read(buffer))!));
  }
  await using watcher = await new RpcClient(server.url).opened();
  await watcher.connect({ uid: ben.uid, token: ben.token }, 2);
  const count = 700;
  const content = "x".repeat(16_000);
  for (let i = 0; i < count; i++) {
    await sendMessage(app.ctx, {
      senderId: anna.id,
      channel: { type: 1, userId: ben.id },
      clientMsgNo: undefined,
      payload: JSON.stringify({ type: 1, content }),
      redDot: true,
    });
  }
  await waitUntil("the one who reads", () => watcher.received.length === count, 20_000);
  // More than the system's own buffers hold stays unsent; the connection ends before all of it.
  let receivedBytes = 0;
  for (let size: number | null = 0; size !== null;) {
    size = await connection.read(buffer).catch(() => null);
    receivedBytes += size ?? 0;
    if (endsWithClose(buffer, size)) break;
  }
  assert.ok(receivedBytes < count * 16_000, `${receivedBytes} bytes came`);
  const kept: number[] = [];
  while (kept.length < count) {
    const page = await readInbox(app.ctx, { userId: ben.id, afterSeq: kept.length, limit: 500 });
    kept.push(...page.map(({ seq }) => seq));
  }
  assert.equal(kept.length, count);
});

/** A masked text frame of RFC 6455, with a mask of zeros. */
function textFrame(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(text);
  return Uint8Array.from([
    0x81,
    0xfe,
    bytes.length >> 8,
    bytes.length & 0xff,
    0,
    0,
    0,
    0,
    ...bytes,
  ]);
}

/** Whether there is a Close frame with 1013 among the bytes. */
function endsWithClose(buffer: Uint8Array, size: number | null): boolean {
  return Buffer.from(buffer.subarray(0, size ?? 0)).includes(Buffer.of(0x03, 0xf5)) &&
    buffer.subarray(0, size ?? 0).includes(0x88);
}

Deno.test("stopping sends clients elsewhere, and takes no new ones", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const anna = await makeChatPerson(app.ctx);
  const client = await new RpcClient(server.url).opened();
  await client.connect({ uid: anna.uid, token: anna.webToken });
  await server.stop();
  assert.equal((await client.ended()).code, 1012);
  assert.deepEqual(client.others, []);
  const late = new RpcClient(server.url);
  late.socket.onerror = (event) => event.preventDefault();
  assert.notEqual((await late.ended()).code, 1000);
});

Deno.test("a silent client is taken for gone", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app, { pollMs: 50 });
  const anna = await makeChatPerson(app.ctx);
  const client = await new RpcClient(server.url).opened();
  await client.connect({ uid: anna.uid, token: anna.webToken });
  app.clock.advance(170_000);
  await client.ask("ping");
  app.clock.advance(170_000);
  await client.ask("ping");
  app.clock.advance(181_000);
  assert.equal((await client.ended()).code, 1001);
});
