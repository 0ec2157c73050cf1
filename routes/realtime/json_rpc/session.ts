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
import { connackVersions, FrameError } from "../wukong/frames.ts";
import {
  encodeRpcConnected,
  encodeRpcDisconnect,
  encodeRpcDone,
  encodeRpcError,
  encodeRpcRecv,
  encodeRpcSent,
  parseRpc,
} from "./frames.ts";

/** One connection that speaks JSON-RPC; nothing is encrypted here. */
export class JsonRpcCodec implements Codec {
  // The EasySDKs do; clients that people write themselves need not.
  readonly mustAck = false;
  readonly isQuiet = false;
  /** One text is one request, as {@link Codec.read} wants a list of them. */
  readonly #one: [Asked] = [{ frame: undefined }];

  read(data: unknown): Iterable<Asked> {
    if (typeof data !== "string") throw new FrameError("bytes among texts");
    const parsed = parseRpc(data);
    this.#one[0] = parsed.ok
      ? { frame: parsed.request, id: parsed.id }
      : { frame: undefined, complaint: parsed.answer };
    return this.#one;
  }

  greet(): undefined {}

  connack({ frame, id }: Asked, reason: ReasonCode, nowMs: number): Data {
    if (reason !== Reason.success) return encodeRpcError(id!, { code: reason });
    const { clientTimestamp = BigInt(nowMs), version = 0 } = frame as ConnectAsked;
    const timeDiff = BigInt(nowMs) - clientTimestamp;
    return encodeRpcConnected(id!, { timeDiff, ...connackVersions(version) });
  }

  converse(connection: Connection, sockets: Sockets): Dialogue {
    return new ChatDialogue(connection, sockets, this);
  }

  open(send: SendAsked): Uint8Array {
    return send.payload;
  }

  sendack({ id }: Asked, { reason, messageId, seq }: Sent): Data {
    return reason === Reason.success
      ? encodeRpcSent(id!, { messageId, messageSeq: seq, reasonCode: reason })
      : encodeRpcError(id!, { code: reason });
  }

  recv(message: Received): Data {
    const { redDot, syncOnce, seq } = message;
    return encodeRpcRecv({
      flags: { redDot, syncOnce, noPersist: seq === 0 },
      setting: 0,
      fromUid: message.fromUid,
      channelId: message.channelNo,
      channelType: message.channelType,
      clientMsgNo: message.clientMsgNo,
      messageId: message.messageId,
      messageSeq: seq,
      timestamp: Math.floor(message.atMs / 1000),
      payload: new TextEncoder().encode(message.payload),
    });
  }

  /** A notification by the book; the EasySDK sends a request and waits for its answer. */
  recvacked({ id }: Asked): Data | undefined {
    return id === undefined ? undefined : encodeRpcDone(id);
  }

  pong({ id }: Asked): Data | undefined {
    return id === undefined ? undefined : encodeRpcDone(id);
  }

  suback(): never {
    throw new FrameError("there are no subscriptions here");
  }

  disconnect(reason: ReasonCode): Data {
    return encodeRpcDisconnect({ reasonCode: reason, reason: reasonName(reason) });
  }
}
