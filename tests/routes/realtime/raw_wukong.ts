import assert from "node:assert/strict";
import { createKeyPair, WukongCipher } from "../../../routes/realtime/wukong/cipher.ts";
import {
  encodeFrame,
  type Flags,
  type Frame,
  FrameReader,
  type RecvFrame,
  type SendFrame,
} from "../../../routes/realtime/wukong/frames.ts";
import type { ChatPerson } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";

/** A WuKong client that decides by itself what goes into one WebSocket message. */
export class RawWukong implements AsyncDisposable {
  readonly frames: (Frame & { messageSeq?: number })[] = [];
  /** Once it is closed. */
  closed: { code: number; reason: string } | undefined;
  readonly socket: WebSocket;
  readonly #keys = createKeyPair();
  cipher: WukongCipher | undefined;

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onclose = ({ code, reason }) => this.closed = { code, reason };
    const reader = new FrameReader({ from: "server", version: 5 });
    this.socket.onmessage = ({ data }) => {
      const frames = [...reader.push(new Uint8Array(data))];
      assert.equal(frames.length, 1, "one frame per message");
      const [frame] = frames;
      if (frame!.type === "connack" && frame!.salt !== "") {
        this.cipher = new WukongCipher({
          peerKey: frame!.serverKey,
          salt: frame!.salt,
          own: this.#keys,
        });
      }
      this.frames.push(frame!);
    };
  }

  connectFrame({ uid, token }: { uid: string; token: string }): Uint8Array<ArrayBuffer> {
    return encodeFrame({
      type: "connect",
      version: 5,
      deviceFlag: 2,
      deviceId: "d",
      uid,
      token,
      clientTimestamp: BigInt(Date.now()),
      clientKey: this.#keys.publicKey,
    }, 5);
  }

  sendFrame(
    to: Pick<ChatPerson, "uid">,
    clientSeq: number,
    { flags, said, ...over }: Partial<Omit<SendFrame, "type" | "flags">> & {
      flags?: Partial<Flags>;
      /** The payload as JSON. */
      said?: unknown;
    } = {},
  ): Uint8Array<ArrayBuffer> {
    const frame = {
      setting: 0,
      clientSeq,
      clientMsgNo: `n${clientSeq}`,
      channelId: to.uid,
      channelType: 1,
      payload: this.cipher!.seal(
        JSON.stringify(said ?? { type: 1, content: `${clientSeq}` }),
      ),
      ...over,
    };
    const msgKey = this.cipher!.sendMsgKey(frame);
    return encodeFrame({ type: "send", flags: flags ?? {}, msgKey, ...frame }, 5);
  }

  /** Connects and waits for the answer. */
  async connected(as: { uid: string; token: string }): Promise<this> {
    await waitUntil("open", () => this.socket.readyState === WebSocket.OPEN);
    this.socket.send(this.connectFrame(as));
    await waitUntil("CONNACK", () => this.frames.length === 1);
    return this;
  }

  /** Messages received, in order. */
  get received(): RecvFrame[] {
    return this.frames.filter((frame) => frame.type === "recv");
  }

  /** Confirms a message; resolves when the server has heard it, as it answers in order. */
  async confirm({ messageId, messageSeq }: RecvFrame): Promise<void> {
    const pongs = () => this.frames.filter(({ type }) => type === "pong").length;
    const before = pongs();
    this.socket.send(encodeFrame({ type: "recvack", messageId, messageSeq }, 5));
    this.socket.send(encodeFrame({ type: "ping" }, 5));
    await waitUntil("PONG", () => pongs() > before);
  }

  async ended(): Promise<{ code: number; reason: string }> {
    await waitUntil("the end", () => this.closed !== undefined);
    return this.closed!;
  }

  async [Symbol.asyncDispose]() {
    this.socket.close();
    await this.ended();
  }
}
