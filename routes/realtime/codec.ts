import type { RpcId, RpcRequest } from "./json_rpc_frames.ts";
import type { ReasonCode } from "./reasons.ts";
import type { FrameFrom, SubFrame } from "./wukong_frames.ts";

/** What a client says, whatever its protocol: a frame, with or without the fields for encryption. */
export type ClientFrame = FrameFrom<"client"> | RpcRequest;
export type ConnectAsked = Extract<ClientFrame, { type: "connect" }>;
export type SendAsked = Extract<ClientFrame, { type: "send" }>;

/** One frame as it came in. */
export interface Asked {
  /** Undefined: it was no request, and `complaint` is what to say about it, if anything. */
  frame: ClientFrame | undefined;
  /** What the answer carries back, in the protocol that has it. */
  id?: RpcId | undefined;
  complaint?: string | undefined;
}

/** What became of a message that was sent. */
export interface Sent {
  reason: ReasonCode;
  messageId: number;
  seq: number;
}

/** A message for a client. */
export interface Received {
  messageId: number;
  /** 0: it is not kept. */
  seq: number;
  fromUid: string;
  channelType: number;
  channelNo: string;
  clientMsgNo: string;
  payload: string;
  redDot: boolean;
  syncOnce: boolean;
  atMs: number;
}

/** One WebSocket message. */
export type Data = string | Uint8Array<ArrayBuffer>;

/** One connection's protocol: turns what a session has to say into WebSocket messages and back. */
export interface Codec {
  /** Whether every client of this protocol confirms the messages it gets. */
  readonly mustAck: boolean;
  /** @throws {FrameError} here or while iterating: there is no going on after that */
  read(data: unknown): Iterable<Asked>;
  /** Agrees on keys, where the protocol has them. @returns why the client cannot be let in */
  greet(connect: ConnectAsked): ReasonCode | undefined;
  /** The answer to CONNECT, yes or no. */
  connack(asked: Asked, reason: ReasonCode, nowMs: number): Data;
  /** A SEND's payload in the clear. @throws {CipherError} */
  open(send: SendAsked): Uint8Array;
  sendack(asked: Asked, sent: Sent): Data;
  recv(message: Received): Data;
  /** The answer to RECVACK, where somebody waits for one. */
  recvacked(asked: Asked): Data | undefined;
  pong(asked: Asked): Data | undefined;
  suback(sub: SubFrame, reason: ReasonCode): Data;
  disconnect(reason: ReasonCode): Data;
}
