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
  encodeRpcRecvWithoutSeq,
  encodeRpcSent,
  numberRpcRecv,
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
    return numberRpcRecv(textOf(message), message.seq);
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

/** What went out last: a message goes to many connections one after the other. */
let last: { message: Received; text: string } | undefined;

/** A message's text without its number. */
function textOf(message: Received): string {
  if (!last || !isSameButForSeq(message, last.message)) last = { message, text: encode(message) };
  return last.text;
}

function isSameButForSeq(one: Received, other: Received): boolean {
  return one.messageId === other.messageId && one.channelNo === other.channelNo &&
    one.channelType === other.channelType && one.fromUid === other.fromUid &&
    one.clientMsgNo === other.clientMsgNo && one.payload === other.payload &&
    one.atMs === other.atMs && one.redDot === other.redDot && one.syncOnce === other.syncOnce &&
    one.setting === other.setting && (one.seq === 0) === (other.seq === 0);
}

function encode(message: Received): string {
  const { redDot, syncOnce, seq } = message;
  return encodeRpcRecvWithoutSeq({
    flags: { redDot, syncOnce, noPersist: seq === 0 },
    setting: message.setting ?? 0,
    fromUid: message.fromUid,
    channelId: message.channelNo,
    channelType: message.channelType,
    clientMsgNo: message.clientMsgNo,
    messageId: message.messageId,
    timestamp: Math.floor(message.atMs / 1000),
    payload: new TextEncoder().encode(message.payload),
  });
}
