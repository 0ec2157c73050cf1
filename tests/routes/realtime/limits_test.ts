import assert from "node:assert/strict";
import { Reason } from "../../../routes/realtime/reasons.ts";
import { encodeFrame } from "../../../routes/realtime/wukong/frames.ts";
import { Cmd, GobelieveClient } from "../../clients/gobelieve.ts";
import { RpcClient } from "../../clients/rpc.ts";
import { startTestApp } from "../../harness.ts";
import { makeChatPerson, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { RawWukong } from "./raw_wukong.ts";

const MIB = 1024 * 1024;

/** What a request gets that says it wants to become a WebSocket, as raw as it is written. */
async function askRaw(url: string, lines: string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const request = ["GET /ws HTTP/1.1", "Host: x", ...lines, "", ""].join("\r\n");
  await connection.write(new TextEncoder().encode(request));
  const bytes = new Uint8Array(4096);
  const count = await connection.read(bytes);
  return new TextDecoder().decode(bytes.subarray(0, count ?? 0));
}

Deno.test("a handshake is whole and of version 13, or told what is wrong with it", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  const cases: [string, string[], number][] = [
    ["a plain GET", [], 426],
    ["no key", ["Upgrade: websocket", "Connection: Upgrade"], 400],
    ["no upgrade in Connection", ["Upgrade: websocket", "Connection: keep-alive", key], 400],
    ["version 8", [
      "Upgrade: websocket",
      "Connection: Upgrade",
      key,
      "Sec-WebSocket-Version: 8",
    ], 426],
    ["lists, in any case", [
      "Upgrade: h2c, WebSocket",
      "Connection: keep-alive, UPGRADE",
      key,
      "Sec-WebSocket-Version: 13",
    ], 101],
  ];
  for (const [name, lines, status] of cases) {
    await t.step(name, async () => {
      const answer = await askRaw(server.url, lines);
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
      if (status === 101) return;
      assert.match(answer, /\r\nx-request-id: [\w-]{8,}/i);
      if (status === 426) assert.match(answer, /\r\nsec-websocket-version: 13\r\n/i);
    });
  }
});

Deno.test("of one address sixteen may be silent; the next waits until one has said who it is", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app, { connectTimeoutMs: 20_000 });
  const anna = await makeChatPerson(app.ctx, "Anna");
  const silent = await Promise.all(
    Array.from({ length: 16 }, () => new RpcClient(server.url).opened()),
  );
  const refused = await askRaw(server.url, [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
  ]);
  assert.match(refused, /^HTTP\/1.1 429 [\s\S]*retry-after: \d/i);
  await silent[0]!.connect({ uid: anna.uid, token: anna.webToken });
  const next = await new RpcClient(server.url).opened();
  for (const client of [...silent, next]) await client[Symbol.asyncDispose]();
  // Those that have gone count no more.
  await using _again = await new RpcClient(server.url).opened();
});

Deno.test("a peer that never answers a Close goes on counting for its address", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app, { connectTimeoutMs: 100 });
  const { hostname, port } = new URL(server.url);
  const handshake = [
    "GET /ws HTTP/1.1",
    "Host: x",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "",
    "",
  ];
  const open = async () => {
    const connection = await Deno.connect({ hostname, port: Number(port) });
    await connection.write(new TextEncoder().encode(handshake.join("\r\n")));
    const bytes = new Uint8Array(1024);
    const count = await connection.read(bytes);
    return { connection, head: new TextDecoder().decode(bytes.subarray(0, count ?? 0)) };
  };
  const deaf = await Promise.all(Array.from({ length: 16 }, open));
  for (const { head } of deaf) assert.match(head, / 101 /);
  // Each has been sent a Close by now, and has not answered it.
  await new Promise((resolve) => setTimeout(resolve, 400));
  const refused = await open();
  assert.match(refused.head, / 429 /);
  for (const { connection } of [...deaf, refused]) connection.close();
  await waitUntil("room", async () => {
    const { connection, head } = await open();
    connection.close();
    return head.includes(" 101 ");
  }, 5_000);
});

Deno.test("a message too large is answered up to 1 MiB, and the end above it", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const [anna, ben] = [await makeChatPerson(app.ctx, "Anna"), await makeChatPerson(app.ctx, "Ben")];
  const large = "x".repeat(60_000);

  await t.step("JSON-RPC", async () => {
    await using client = await new RpcClient(server.url).opened();
    await client.connect({ uid: anna.uid, token: anna.webToken });
    const { error } = await client.say(ben.uid, 1, { type: 1, content: large });
    assert.deepEqual(error, { code: Reason.payload_invalid, message: "payload too large" });
    const largest = await client.say(ben.uid, 1, { type: 1, content: "x".repeat(780_000) });
    assert.equal(largest.error.code, Reason.payload_invalid);
    assert.deepEqual((await client.ask("ping")).result, {});
    client.socket.send(`{"method":"ping","id":1,"params":"${"x".repeat(MIB)}"}`);
    assert.equal((await client.ended()).code, 1009);
  });

  await t.step("WuKong", async () => {
    await using client = await new RawWukong(server.url)
      .connected({ uid: anna.uid, token: anna.webToken });
    const sent = client.sendFrame(ben, 7);
    // The same message behind a payload of 200 kB: its number stands in front.
    const body = new Uint8Array(200_000).fill(65);
    body.set(sent.subarray(sent[1]! & 0x80 ? 3 : 2));
    const length = [body.length & 0x7f | 0x80, body.length >> 7 & 0x7f | 0x80, body.length >> 14];
    client.socket.send(new Blob([Uint8Array.of(sent[0]!, ...length), body]));
    const answers = () => client.frames.filter(({ type }) => type === "sendack");
    await waitUntil("the answer", () => answers().length === 1);
    const [answer] = answers();
    assert.deepEqual(
      answer!.type === "sendack" && [answer.clientSeq, answer.reasonCode],
      [7, Reason.payload_invalid],
    );
    client.socket.send(encodeFrame({ type: "ping" }, 5));
    await waitUntil("PONG", () => client.frames.some(({ type }) => type === "pong"));
    // The largest frame there may be, in pieces: its length in three bytes.
    const largest = new Uint8Array(MIB).fill(65);
    largest.set(sent.subarray(sent[1]! & 0x80 ? 3 : 2));
    client.socket.send(Uint8Array.of(sent[0]!, 0x80, 0x80, 0x40));
    for (let at = 0; at < MIB; at += MIB / 4) {
      client.socket.send(largest.subarray(at, at + MIB / 4));
    }
    await waitUntil("the answer", () => answers().length === 2);
    client.socket.send(new Uint8Array(MIB + 1).fill(0x70));
    assert.equal((await client.ended()).code, 1009);
  });

  await t.step("WuKong and GoBelieve, by the length in front alone", async () => {
    await using client = await new RawWukong(server.url)
      .connected({ uid: anna.uid, token: anna.webToken });
    client.socket.send(Uint8Array.of(0x30, 0x81, 0x80, 0x40));
    assert.equal((await client.ended()).code, 1009);
    await using other = new GobelieveClient(server.url);
    assert.equal(await other.auth({ token: anna.webToken }), 0);
    other.socket.send(Uint8Array.of(0, 0x10, 0, 1, ...new Uint8Array(8)));
    assert.equal((await other.ended()).code, 1009);
  });

  await t.step("GoBelieve", async () => {
    await using client = new GobelieveClient(server.url);
    assert.equal(await client.auth({ token: anna.webToken }), 0);
    const said = { sender: anna.id, receiver: ben.id, content: large };
    assert.equal((await client.tell(Cmd.im, said)).status, 255);
    client.socket.send(new Uint8Array(MIB + 1));
    assert.equal((await client.ended()).code, 1009);
  });

  await t.step("of who has not said who they are 64 KiB are too many", async () => {
    const client = await new RpcClient(server.url).opened();
    client.socket.send(`{"method":"ping","id":1,"params":"${"x".repeat(65_536)}"}`);
    assert.equal((await client.ended()).code, 1009);
  });

  await t.step("and so they are in pieces", async () => {
    const client = await new RpcClient(server.url).opened();
    const part = `{"method":"ping","id":1,"params":"${"x".repeat(30_000)}"}`;
    for (let at = 0; at < 3; at++) client.socket.send(part);
    assert.equal((await client.ended()).code, 1009);
  });
});
