import { ChatDialogue } from "../chat_dialogue.ts";
import { Reason, type ReasonCode, reasonName } from "../reasons.ts";
import type { Sockets } from "../sockets.ts";
import type {
  Asked,
  Codec,
  ConnectAsked,
  Connection,
  Data,
  Dialogue,
  Received,
  SendAsked,
  Sent,
} from "../types.ts";
import { CipherError, WukongCipher } from "./cipher.ts";
import {
  connackVersions,
  type ConnectFrame,
  encodeFrame,
  FrameError,
  type FrameInput,
  FrameReader,
  type SendFrame,
  type SubFrame,
} from "./frames.ts";

/** One connection that speaks WuKong's binary protocol. */
export class WukongCodec implements Codec {
  readonly mustAck = true;
  readonly isQuiet = false;
  readonly #reader = new FrameReader({ from: "client" });
  #cipher: WukongCipher | undefined;

  *read(data: unknown): Generator<Asked> {
    if (!(data instanceof ArrayBuffer)) throw new FrameError("a text among binary frames");
    for (const frame of this.#reader.push(new Uint8Array(data))) yield { frame };
  }

  greet(connect: ConnectAsked): ReasonCode | undefined {
    try {
      this.#cipher = new WukongCipher({ peerKey: (connect as ConnectFrame).clientKey });
      return undefined;
    } catch (error) {
      if (error instanceof CipherError) return error.reason;
      throw error;
    }
  }

  connack({ frame }: Asked, reason: ReasonCode, nowMs: number): Data {
    const connect = frame as ConnectFrame;
    return this.#encode({
      type: "connack",
      timeDiff: BigInt.asIntN(64, BigInt(nowMs) - connect.clientTimestamp),
      reasonCode: reason,
      serverKey: this.#cipher?.ownKey ?? "",
      salt: this.#cipher?.salt ?? "",
      ...connackVersions(connect.version),
    });
  }

  converse(connection: Connection, sockets: Sockets): Dialogue {
    return new ChatDialogue(connection, sockets, this);
  }

  open(send: SendAsked): Uint8Array {
    const frame = send as SendFrame;
    // Clients and servers disagree about the fields of a stream, and nobody uses them.
    if (frame.streamNo !== undefined) {
      throw new CipherError(Reason.header_unsupported, "there are no streams");
    }
    if (!this.#cipher!.isGenuine(frame)) {
      throw new CipherError(Reason.msg_key_wrong, "the message key is wrong");
    }
    return this.#cipher!.open(frame.payload);
  }

  sendack({ frame }: Asked, { reason, messageId, seq }: Sent): Data {
    const { clientSeq } = frame as SendFrame;
    return this.#encode({
      type: "sendack",
      messageId,
      messageSeq: seq,
      clientSeq,
      reasonCode: reason,
    });
  }

  recv(message: Received): Data {
    const frame = {
      setting: message.setting ?? 0,
      fromUid: message.fromUid,
      channelId: message.channelNo,
      channelType: message.channelType,
      clientMsgNo: message.clientMsgNo,
      messageId: message.messageId,
      messageSeq: message.seq,
      timestamp: Math.floor(message.atMs / 1000),
      payload: this.#cipher!.seal(message.payload),
    };
    const { redDot, syncOnce, seq } = message;
    const msgKey = this.#cipher!.recvMsgKey(frame);
    const flags = { redDot, syncOnce, noPersist: seq === 0 };
    return this.#encode({ type: "recv", flags, msgKey, ...frame });
  }

  recvacked(): undefined {}

  pong(): Data {
    return this.#encode({ type: "pong" });
  }

  suback({ subNo, channelId, channelType, action }: SubFrame, reason: ReasonCode): Data {
    return this.#encode({
      type: "suback",
      subNo,
      channelId,
      channelType,
      action,
      reasonCode: reason,
    });
  }

  disconnect(reason: ReasonCode): Data {
    return this.#encode({ type: "disconnect", reasonCode: reason, reason: reasonName(reason) });
  }

  #encode(frame: FrameInput): Uint8Array<ArrayBuffer> {
    return encodeFrame(frame, this.#reader.version);
  }
}
