import { Reason, type ReasonCode } from "../reasons.ts";
import type { Sockets } from "../sockets.ts";
import type { Asked, Connection, Data, Protocol } from "../types.ts";
import { FrameError } from "../wukong/bytes.ts";
import { type Encoder, GobelieveDialogue } from "./dialogue.ts";
import { encodeFrame, readFrames } from "./frames.ts";
import type { GobelieveFrame, GobelieveInput, GobelieveLogin } from "./layouts.ts";

/** Device flags of the chat app's protocols, by which one device ends another. */
const APP = 0, WEB = 1, PC = 2;
/** `platform` of AUTH_TOKEN: iOS, Android, web, Windows, macOS. One that is unknown ends nobody. */
const DEVICE_FLAGS: Record<number, number> = { 1: APP, 2: APP, 3: WEB, 4: PC, 5: PC };

const AuthStatus = { ok: 0, failed: 1 } as const;
/** Numbers of frames are signed; after the last comes the first. */
const SEQ_MAX = 0x7fff_ffff;

/** One connection that speaks GoBelieve's binary protocol (docs/realtime.md#gobelieve). */
export class GobelieveCodec implements Protocol, Encoder {
  readonly isQuiet = true;
  /** As the client says; empty before it has. */
  deviceId = "";
  /** That of the client's AUTH_TOKEN, in which it is answered. */
  version = 0;
  #lastSeq = 0;
  #isKnown = false;

  *read(data: unknown): Generator<Asked> {
    if (!(data instanceof ArrayBuffer)) throw new FrameError("a text among binary frames");
    for (const frame of readFrames(new Uint8Array(data), { from: "client" })) {
      yield { frame: frame.type === "auth_token" ? this.#login(frame) : frame } as Asked;
    }
  }

  #login(
    { version, platform, token, deviceId }: Extract<GobelieveFrame, { type: "auth_token" }>,
  ): GobelieveLogin {
    // A second one is refused, and changes nothing before that.
    if (!this.#isKnown) Object.assign(this, { version, deviceId });
    this.#isKnown = true;
    return { type: "connect", token, deviceFlag: DEVICE_FLAGS[platform] ?? WEB };
  }

  greet(): undefined {}

  connack(_asked: Asked, reason: ReasonCode): Data {
    const status = reason === Reason.success ? AuthStatus.ok : AuthStatus.failed;
    return this.encode({ type: "auth_status", status });
  }

  /** There is no word for it but this one; a client that hears none comes back at once. */
  disconnect(): Data {
    return this.encode({ type: "auth_status", status: AuthStatus.failed });
  }

  converse(connection: Connection, sockets: Sockets): GobelieveDialogue {
    return new GobelieveDialogue(connection, sockets, this);
  }

  encode(frame: GobelieveInput): Uint8Array<ArrayBuffer> {
    this.#lastSeq = this.#lastSeq === SEQ_MAX ? 1 : this.#lastSeq + 1;
    return encodeFrame(frame, { seq: this.#lastSeq, version: this.version });
  }
}
