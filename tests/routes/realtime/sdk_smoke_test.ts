import assert from "node:assert/strict";
import {
  connackVersions,
  type ConnectFrame,
  encodeFrame,
  type FrameInput,
  FrameReader,
  type RecvackFrame,
  type SendFrame,
} from "../../../routes/realtime/wukong_frames.ts";
import { Reason } from "../../../routes/realtime/reasons.ts";
import { WukongCipher } from "../../../routes/realtime/wukong_cipher.ts";
import { waitUntil } from "../../services/binary.ts";
import { SdkClient } from "../../services/wukong_sdk.ts";

/** Just enough of a server to show that the real client understands our frames and keys. */
class TinyServer implements AsyncDisposable {
  readonly acknowledged: RecvackFrame[] = [];
  readonly pings: string[] = [];
  readonly #sessions = new Map<string, { cipher: WukongCipher; reply: (it: FrameInput) => void }>();
  readonly #http: Deno.HttpServer<Deno.NetAddr>;
  #messageId = 2 ** 53 - 10;
  #messageSeq = 0;

  constructor() {
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#http = Deno.serve(options, (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      this.#serve(socket);
      return response;
    });
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#http.addr.port}/ws`;
  }

  #serve(socket: WebSocket): void {
    socket.binaryType = "arraybuffer";
    const reader = new FrameReader({ from: "client" });
    const reply = (frame: FrameInput) => socket.send(encodeFrame(frame, reader.version));
    let uid = "";
    socket.onmessage = ({ data }) => {
      for (const frame of reader.push(new Uint8Array(data))) {
        if (frame.type === "connect") this.#accept(uid = frame.uid, frame, reply);
        else if (frame.type === "send") this.#deliver(uid, frame, reply);
        else if (frame.type === "recvack") this.acknowledged.push(frame);
        else if (frame.type === "ping") {
          this.pings.push(uid);
          reply({ type: "pong" });
        }
      }
    };
  }

  #accept(uid: string, frame: ConnectFrame, reply: (it: FrameInput) => void): void {
    const cipher = new WukongCipher({ peerKey: frame.clientKey });
    this.#sessions.set(uid, { cipher, reply });
    reply({
      type: "connack",
      timeDiff: 0n,
      reasonCode: frame.token === `token of ${uid}` ? Reason.success : Reason.auth_failed,
      serverKey: cipher.ownKey,
      salt: cipher.salt,
      ...connackVersions(frame.version),
    });
  }

  #deliver(fromUid: string, frame: SendFrame, reply: (it: FrameInput) => void): void {
    const { clientSeq, clientMsgNo, channelId } = frame;
    const { cipher } = this.#sessions.get(fromUid)!;
    if (!cipher.isGenuine(frame)) throw new Error("a message key is wrong");
    const [messageId, messageSeq] = [++this.#messageId, ++this.#messageSeq];
    reply({ type: "sendack", messageId, messageSeq, clientSeq, reasonCode: Reason.success });
    this.push(channelId, {
      fromUid,
      clientMsgNo,
      messageId,
      messageSeq,
      payload: cipher.open(frame.payload),
    });
  }

  push(
    toUid: string,
    { payload, msgKey, ...message }: {
      fromUid: string;
      clientMsgNo: string;
      messageId: number;
      messageSeq: number;
      payload: Uint8Array | string;
      /** Default: the right one. */
      msgKey?: string;
    },
  ): void {
    const { cipher, reply } = this.#sessions.get(toUid)!;
    const recv = {
      ...message,
      setting: 0,
      channelId: message.fromUid,
      channelType: 1,
      timestamp: 1_700_000_000,
      payload: cipher.seal(payload),
    };
    const frame = { ...recv, msgKey: msgKey ?? cipher.recvMsgKey(recv) };
    reply({ type: "recv", flags: { redDot: true }, ...frame });
  }

  kick(uid: string): void {
    this.#sessions.get(uid)!.reply({
      type: "disconnect",
      reasonCode: Reason.kicked,
      reason: "bye",
    });
  }

  async [Symbol.asyncDispose]() {
    await this.#http.shutdown();
  }
}

async function connected(server: TinyServer, uid: string): Promise<SdkClient> {
  const client = await SdkClient.load(uid);
  const status = await client.connect({ uid, token: `token of ${uid}`, addr: server.url });
  assert.deepEqual(status, { status: 1, reason: Reason.success });
  return client;
}

Deno.test("the npm client connects, sends, and decrypts what it is sent", async () => {
  await using server = new TinyServer();
  await using alice = await connected(server, "alice");
  await using bob = await connected(server, "bob");

  for (const text of ["hi", "你好 😀", "x".repeat(12_000)]) {
    const ack = await alice.sendText("bob", 1, text);
    const message = await bob.next(({ clientMsgNo }) => clientMsgNo === ack.clientMsgNo);
    assert.equal(ack.reasonCode, Reason.success);
    assert.deepEqual([message.messageID, message.messageSeq], [ack.messageId, ack.messageSeq]);
    assert.deepEqual(message.content.contentObj, { content: text, type: 1 });
    assert.deepEqual([message.fromUID, message.channel.channelID], ["alice", "alice"]);
    assert.ok(message.header.reddot);
  }
  assert.deepEqual(alice.messages, []);

  const ack = await bob.sendRaw({ type: 99, cmd: "typing", param: { a: 1 } }, "alice", 1);
  const command = await alice.next(({ messageID }) => messageID === ack.messageId);
  assert.equal(command.content.cmd, "typing");
  assert.deepEqual(alice.commands, [command]);
  await waitUntil("acknowledgement of all", () => server.acknowledged.length === 4);
  const flags = { noPersist: false, redDot: true, syncOnce: false, dup: false };
  const [messageId, messageSeq] = [Number(ack.messageId), ack.messageSeq];
  assert.deepEqual(server.acknowledged.at(-1), { type: "recvack", flags, messageId, messageSeq });
});

Deno.test("the npm client reads our PONG", async () => {
  await using server = new TinyServer();
  await using alice = await connected(server, "alice");
  const { connectManager } = alice.sdk;
  connectManager.sendPing();
  assert.equal(connectManager.pingRetryCount, 1);
  await waitUntil("PONG", () => connectManager.pingRetryCount === 0);
  assert.deepEqual(server.pings, ["alice"]);
});

Deno.test("the npm client is refused with a wrong token, and kicked", async () => {
  await using server = new TinyServer();
  await using carol = await SdkClient.load("carol");
  const options = { uid: "carol", token: "wrong", addr: () => Promise.resolve(server.url) };
  assert.deepEqual(await carol.connect(options), { status: 3, reason: Reason.auth_failed });
  await carol.disconnect();

  await using alice = await connected(server, "alice");
  server.kick("alice");
  assert.deepEqual(await alice.nextStatus(), { status: 4, reason: Reason.kicked });
});

Deno.test("the npm client drops a message with a wrong message key", async () => {
  await using server = new TinyServer();
  await using alice = await connected(server, "alice");
  await using bob = await connected(server, "bob");
  const message = { fromUid: "alice", clientMsgNo: "m1", messageId: 5, messageSeq: 1 };
  const payload = '{"type":1,"content":"forged"}';
  server.push("bob", { ...message, payload, msgKey: "0".repeat(32) });
  await alice.sendText("bob", 1, "genuine");
  assert.equal((await bob.next()).content.text, "genuine");
  assert.equal(bob.messages.length, 1);
});
