import assert from "node:assert/strict";
import { TcpSocket } from "../../../routes/realtime/tcp_socket.ts";
import { Reason } from "../../../routes/realtime/reasons.ts";
import { askIm } from "../../clients/im.ts";
import { payloadOf, RpcClient } from "../../clients/rpc.ts";
import { WukongTcp } from "../../clients/wukong_tcp.ts";
import { startTestApp } from "../../harness.ts";
import { makeChatPerson, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";

const glue = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
const PING = Uint8Array.of(0x70);

Deno.test("a native client speaks a stream that is cut and glued anywhere", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const address = await server.listen();
  const [anna, ben] = [await makeChatPerson(app.ctx, "Anna"), await makeChatPerson(app.ctx, "Ben")];
  await using other = await new RpcClient(server.url).opened();
  await other.connect({ uid: ben.uid, token: ben.webToken });
  await using client = await WukongTcp.open(address);

  await t.step("CONNECT byte by byte, and PINGs", async () => {
    await client.write(client.connectBytes(anna), 1);
    await client.next("connack");
    assert.equal(client.of("connack")[0]!.reasonCode, Reason.success);
    await client.write(glue(...new Array(600).fill(PING)));
    await client.next("pong", 600);
  });

  await t.step("many frames in one write, the last of them in the next", async () => {
    const sends = Array.from({ length: 100 }, (_, at) => client.sendBytes(ben.uid, at + 1));
    const all = glue(...sends.slice(0, 50), PING, ...sends.slice(50));
    await client.write(all.subarray(0, all.length - 7));
    await client.next("sendack", 99);
    await client.write(all.subarray(all.length - 7));
    await client.next("sendack", 100);
    const answers = client.of("sendack").map((
      { clientSeq, reasonCode, messageSeq },
    ) => [clientSeq, reasonCode, messageSeq]);
    assert.deepEqual(answers, Array.from({ length: 100 }, (_, at) => [at + 1, 1, at + 1]));
    await waitUntil("all", () => other.received.length === 100, 10_000);
  });

  await t.step("frames in pieces of every size", async () => {
    for (let pieceBytes = 1; pieceBytes < 30; pieceBytes++) {
      await client.write(client.sendBytes(ben.uid, 100 + pieceBytes), pieceBytes);
    }
    await client.next("sendack", 129);
    assert.ok(client.of("sendack").every(({ reasonCode }) => reasonCode === 1));
  });

  await t.step(
    "what others say is pushed, confirmed, and in the clear behind its cipher",
    async () => {
      for (const content of ["一", "二"]) await other.say(anna.uid, 1, { type: 1, content });
      await client.next("recv", 2);
      const heard = client.of("recv");
      assert.deepEqual(
        heard.map(({ payload }) =>
          JSON.parse(new TextDecoder().decode(client.cipher!.open(payload)))
        ),
        [{ type: 1, content: "一" }, { type: 1, content: "二" }],
      );
      const [{ messageId, messageSeq }] = [heard[1]!];
      await client.write(client.bytesOf({ type: "recvack", messageId, messageSeq }));
    },
  );

  await t.step("a frame of 1 MiB is answered, one above it ends the connection", async () => {
    const [type] = client.sendBytes(ben.uid, 500);
    const sent = client.sendBytes(ben.uid, 500);
    const body = new Uint8Array(1024 * 1024).fill(65);
    body.set(sent.subarray(sent[1]! & 0x80 ? 3 : 2));
    await client.write(glue(Uint8Array.of(type!, 0x80, 0x80, 0x40), body));
    await client.next("sendack", 130);
    const { clientSeq, reasonCode } = client.of("sendack")[129]!;
    assert.deepEqual([clientSeq, reasonCode], [500, Reason.payload_invalid]);
    await client.write(Uint8Array.of(type!, 0x81, 0x80, 0x40));
    await client.ended();
  });

  assert.equal(payloadOf(other.received[0]).content, "1");
});

Deno.test("a stream has a WebSocket's sessions, kicks, deadlines and end", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app, { connectTimeoutMs: 1_000 });
  const address = await server.listen();
  const [anna, ben] = [await makeChatPerson(app.ctx, "Anna"), await makeChatPerson(app.ctx, "Ben")];

  await t.step("another first byte than a CONNECT's, and silence, end it", async () => {
    for (const first of ["GET / HTTP/1.1\r\n\r\n", '{"method":"connect"}', "\x70", "\0\0\0\0"]) {
      await using client = await WukongTcp.open(address);
      await client.write(new TextEncoder().encode(first));
      await client.ended(800);
      assert.deepEqual(client.frames, []);
    }
    await using silent = await WukongTcp.open(address);
    await silent.ended();
  });

  await t.step("a wrong token is told so", async () => {
    await using client = await WukongTcp.open(address);
    await client.connected({ uid: anna.uid, token: ben.token });
    assert.equal(client.of("connack")[0]!.reasonCode, Reason.auth_failed);
    await client.ended();
  });

  await t.step("a second app ends the first, over whatever it comes", async () => {
    await using first = await WukongTcp.open(address);
    await first.connected(anna);
    await using second = await new RpcClient(server.url).opened();
    await second.connect({ uid: anna.uid, token: anna.token }, 0);
    await first.ended();
    assert.equal(first.of("disconnect")[0]!.reasonCode, Reason.kicked);
    await using third = await WukongTcp.open(address);
    await third.connected(anna);
    assert.equal((await second.ended()).code, 1000);
  });

  await t.step("sixteen of an address may be silent", async () => {
    const silent = await Promise.all(Array.from({ length: 16 }, () => WukongTcp.open(address)));
    await using refused = await WukongTcp.open(address);
    await refused.ended(800);
    for (const client of silent) await client[Symbol.asyncDispose]();
  });

  await t.step("shutting down ends it without a word, so that it comes back", async () => {
    await waitUntil("room", async () => {
      await using client = await WukongTcp.open(address);
      await client.write(client.connectBytes(anna));
      await new Promise((resolve) => setTimeout(resolve, 200));
      return client.of("connack").length === 1;
    }, 5_000);
    await using client = await WukongTcp.open(address);
    await client.connected(anna);
    const startedAtMs = performance.now();
    await server.stop();
    assert.ok(performance.now() - startedAtMs < 3_000);
    await client.ended();
    assert.deepEqual(client.of("disconnect"), []);
    await assert.rejects(() => WukongTcp.open(address));
  });
});

Deno.test("what a peer does not read is counted, and goes with the connection in half a second", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using peer = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const socket = new TcpSocket(await listener.accept());
  const reading = socket.read(() => Promise.resolve());
  let closedCount = 0;
  socket.addEventListener("close", () => closedCount++);
  for (let at = 0; at < 32; at++) socket.send(new Uint8Array(1024 * 1024));
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(socket.bufferedAmount > 1024 * 1024);
  const startedAtMs = performance.now();
  socket.close();
  await reading;
  assert.deepEqual([closedCount, socket.readyState], [1, WebSocket.CLOSED]);
  assert.ok(performance.now() - startedAtMs < 2_000);
  assert.ok(peer.remoteAddr);
});

Deno.test("POST /users/{uid}/im answers where native clients connect", async () => {
  const ask = async (env: Record<string, string>, host: string) => {
    await using app = await startTestApp({ env });
    const { uid, token } = await makeChatPerson(app.ctx);
    const answer = await askIm(app, "POST", `/users/${uid}/im`, { token, headers: { host } });
    return answer.tcp_addr;
  };
  assert.equal(await ask({}, "a.test"), "");
  assert.equal(await ask({ TCP_PORT: "5100" }, "a.test:8000"), "a.test:5100");
  assert.equal(await ask({ TCP_PORT: "5100" }, "[::1]:8000"), "[::1]:5100");
  const elsewhere = { TCP_PORT: "5100", PUBLIC_TCP_ADDR: "chat.test:443" };
  assert.equal(await ask(elsewhere, "a.test"), "chat.test:443");
});
