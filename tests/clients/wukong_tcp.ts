import { createKeyPair, WukongCipher } from "../../routes/realtime/wukong/cipher.ts";
import {
  encodeFrame,
  type Frame,
  type FrameInput,
  FrameReader,
} from "../../routes/realtime/wukong/frames.ts";
import { waitUntil } from "../services/binary.ts";

/** A native client of WuKong's binary protocol, which writes its bytes in whatever pieces it likes. */
export class WukongTcp implements AsyncDisposable {
  readonly frames: Frame[] = [];
  isClosed = false;
  cipher: WukongCipher | undefined;
  readonly #keys = createKeyPair();
  readonly #connection: Deno.TcpConn;
  readonly #version: number;
  readonly #reading: Promise<void>;

  private constructor(connection: Deno.TcpConn, version: number) {
    this.#connection = connection;
    this.#version = version;
    this.#reading = this.#read();
  }

  static async open({ port }: Deno.NetAddr, { version = 4 } = {}): Promise<WukongTcp> {
    return new WukongTcp(await Deno.connect({ hostname: "127.0.0.1", port }), version);
  }

  async #read(): Promise<void> {
    const reader = new FrameReader({ from: "server", version: this.#version });
    const bytes = new Uint8Array(100);
    try {
      for (;;) {
        const count = await this.#connection.read(bytes);
        if (count === null) break;
        for (const frame of reader.push(bytes.subarray(0, count))) this.#hear(frame);
      }
    } catch {
      // Cut off.
    }
    this.isClosed = true;
  }

  #hear(frame: Frame): void {
    this.frames.push(frame);
    if (frame.type !== "connack" || frame.salt === "") return;
    const { serverKey: peerKey, salt } = frame;
    this.cipher = new WukongCipher({ peerKey, salt, own: this.#keys });
  }

  bytesOf(frame: FrameInput): Uint8Array<ArrayBuffer> {
    return encodeFrame(frame, this.#version);
  }

  connectBytes({ uid, token }: { uid: string; token: string }, deviceFlag = 0) {
    return this.bytesOf({
      type: "connect",
      version: this.#version,
      deviceFlag,
      deviceId: "phone",
      uid,
      token,
      clientTimestamp: BigInt(Date.now()),
      clientKey: this.#keys.publicKey,
    });
  }

  sendBytes(uid: string, clientSeq: number, content = String(clientSeq)) {
    const frame = {
      setting: 0,
      clientSeq,
      clientMsgNo: `n${clientSeq}`,
      channelId: uid,
      channelType: 1,
      payload: this.cipher!.seal(JSON.stringify({ type: 1, content })),
    };
    return this.bytesOf({ type: "send", msgKey: this.cipher!.sendMsgKey(frame), ...frame });
  }

  /** Writes them as they are, or in pieces of so many bytes. */
  async write(bytes: Uint8Array, pieceBytes = bytes.length): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.#connection.write(bytes.subarray(at, at + pieceBytes));
    }
  }

  async connected(as: { uid: string; token: string }, deviceFlag = 0): Promise<this> {
    await this.write(this.connectBytes(as, deviceFlag));
    await this.next("connack");
    return this;
  }

  of<T extends Frame["type"]>(type: T): Extract<Frame, { type: T }>[] {
    return this.frames.filter((frame) => frame.type === type) as Extract<Frame, { type: T }>[];
  }

  async next(type: Frame["type"], count = 1): Promise<void> {
    await waitUntil(`${count} ${type}`, () => this.of(type).length >= count, 10_000);
  }

  async ended(timeoutMs = 5_000): Promise<void> {
    await waitUntil("the end", () => this.isClosed, timeoutMs);
  }

  async [Symbol.asyncDispose]() {
    try {
      this.#connection.close();
    } catch {
      // It has ended already.
    }
    await this.#reading;
  }
}
