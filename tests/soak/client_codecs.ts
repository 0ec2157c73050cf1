import { Reason } from "../../routes/realtime/reasons.ts";
import { createKeyPair, type KeyPair, WukongCipher } from "../../routes/realtime/wukong/cipher.ts";
import {
  encodeFrame,
  type FrameFrom,
  FrameReader,
  sessionVersion,
} from "../../routes/realtime/wukong/frames.ts";

/** Who logs in on a socket. */
export interface SocketLogin {
  uid: string;
  token: string;
  /** 0 app, 1 web. */
  deviceFlag: number;
}

/** A message to be sent, with the name its sender gives it. */
export interface Outgoing {
  clientMsgNo: string;
  channelId: string;
  channelType: number;
  /** JSON text. */
  payload: string;
}

/** A message as it arrives, whichever way. */
export interface Incoming extends Outgoing {
  /** 0: the protocol does not say it. */
  messageId: number;
  seq: number;
  fromUid: string;
}

/** What the server said to a SEND; `seq` 0: it does not say the number. */
export interface Answer {
  reason: number;
  messageId: number;
  seq: number;
}

/** One thing the server said. */
export type Heard =
  | { type: "connected"; reason: number }
  | { type: "sent"; turn: number; answer: Answer }
  | { type: "received"; message: Incoming }
  | { type: "disconnect"; reason: number }
  /** What the client has to say to that by itself. */
  | { type: "reply"; data: ClientData }
  | { type: "caught_up" };

export type ClientData = string | Uint8Array<ArrayBuffer>;

/**
 * A client's side of one protocol, for one connection. `turn`, from 1, tells sends apart; what a
 * client says without being asked to is counted with none.
 */
export interface ClientCodec {
  connect(login: SocketLogin): ClientData;
  send(message: Outgoing, turn: number): ClientData;
  /** Undefined where messages are not confirmed one by one. */
  recvack(message: Incoming): ClientData | undefined;
  read(data: unknown): Iterable<Heard>;
}

const CONNECT_TURN = 0;

const toBase64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** The text a payload carries, as both JSON-RPC and `/message/sync` write it. */
export function textOfBase64(base64: string): string {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

/** Of what people say in a run: the first word is its sender's number of it. */
const NUMBERED = /^\{"type":1,"content":"(\d+-\d+) /;

/**
 * What the sender calls a message. Where the sender's protocol has no such number, the server makes
 * one up, and the words say it.
 */
export function nameOf({ clientMsgNo, payload }: { clientMsgNo: string; payload: string }): string {
  if (!clientMsgNo.startsWith("gb:")) return clientMsgNo;
  return NUMBERED.exec(payload)?.[1] ?? clientMsgNo;
}

export class RpcClientCodec implements ClientCodec {
  readonly #confirms: boolean;

  constructor({ confirms = true } = {}) {
    this.#confirms = confirms;
  }

  connect(login: SocketLogin): ClientData {
    return JSON.stringify({ method: "connect", params: login, id: CONNECT_TURN });
  }

  send({ payload, ...message }: Outgoing, turn: number): ClientData {
    const params = { ...message, payload: toBase64(payload), header: { redDot: true } };
    return JSON.stringify({ method: "send", params, id: turn });
  }

  recvack({ messageId, seq }: Incoming): ClientData | undefined {
    if (!this.#confirms) return undefined;
    const params = { messageId: String(messageId), messageSeq: seq };
    return JSON.stringify({ method: "recvack", params });
  }

  *read(data: unknown): Generator<Heard> {
    const said = JSON.parse(data as string);
    if (said.method === "recv") yield { type: "received", message: this.#received(said.params) };
    else if (said.method === "disconnect") {
      yield { type: "disconnect", reason: said.params.reasonCode };
    } else if (said.id === CONNECT_TURN) {
      yield { type: "connected", reason: said.result?.reasonCode ?? said.error.code };
    } else {
      const { reasonCode: reason = said.error?.code, messageId = 0, messageSeq: seq = 0 } =
        said.result ?? {};
      const answer = { reason, messageId: Number(messageId), seq };
      yield { type: "sent", turn: said.id, answer };
    }
  }

  // deno-lint-ignore no-explicit-any -- as the wire has it
  #received({ messageId, messageSeq, payload, ...fields }: any): Incoming {
    const { fromUid, channelId, channelType, clientMsgNo } = fields;
    const text = textOfBase64(payload);
    return {
      messageId: Number(messageId),
      seq: messageSeq,
      payload: text,
      fromUid,
      channelId,
      channelType,
      clientMsgNo: nameOf({ clientMsgNo, payload: text }),
    };
  }
}

export class WukongClientCodec implements ClientCodec {
  readonly #version: number;
  readonly #own: KeyPair = createKeyPair();
  readonly #reader: FrameReader<"server">;
  #cipher: WukongCipher | undefined;

  constructor(version: number) {
    this.#version = sessionVersion(version);
    this.#reader = new FrameReader({ from: "server", version: this.#version });
  }

  connect(login: SocketLogin): ClientData {
    return encodeFrame({
      type: "connect",
      version: this.#version,
      deviceId: "soak",
      clientTimestamp: BigInt(Date.now()),
      clientKey: this.#own.publicKey,
      ...login,
    }, this.#version);
  }

  send({ payload, ...message }: Outgoing, turn: number): ClientData {
    const signed = { clientSeq: turn, ...message, payload: this.#cipher!.seal(payload) };
    const msgKey = this.#cipher!.sendMsgKey(signed);
    const flags = { redDot: true };
    return encodeFrame({ type: "send", setting: 0, flags, msgKey, ...signed }, this.#version);
  }

  recvack({ messageId, seq }: Incoming): ClientData {
    return encodeFrame({ type: "recvack", messageId, messageSeq: seq }, this.#version);
  }

  *read(data: unknown): Generator<Heard> {
    for (const frame of this.#reader.push(new Uint8Array(data as ArrayBuffer))) {
      if (frame.type === "connack") yield this.#connected(frame);
      else if (frame.type === "sendack") {
        const { clientSeq: turn, reasonCode: reason, messageId, messageSeq: seq } = frame;
        yield { type: "sent", turn, answer: { reason, messageId, seq } };
      } else if (frame.type === "recv") yield { type: "received", message: this.#received(frame) };
      else if (frame.type === "disconnect") yield { type: "disconnect", reason: frame.reasonCode };
    }
  }

  #connected({ reasonCode, serverKey, salt }: Extract<FrameFrom<"server">, { type: "connack" }>) {
    if (reasonCode === Reason.success) {
      this.#cipher = new WukongCipher({ peerKey: serverKey, own: this.#own, salt });
    }
    return { type: "connected" as const, reason: reasonCode };
  }

  #received(frame: Extract<FrameFrom<"server">, { type: "recv" }>): Incoming {
    const { messageId, messageSeq: seq, fromUid, channelId, channelType } = frame;
    if (this.#cipher!.recvMsgKey(frame) !== frame.msgKey) throw new Error("a wrong message key");
    const payload = new TextDecoder().decode(this.#cipher!.open(frame.payload));
    const clientMsgNo = nameOf({ clientMsgNo: frame.clientMsgNo, payload });
    return { messageId, seq, fromUid, channelId, channelType, clientMsgNo, payload };
  }
}
