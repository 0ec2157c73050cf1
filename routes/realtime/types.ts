import type { LongInteger } from "../../config/runtime/long_integer.ts";
import type { Moment } from "../../db/bus/bus.ts";
import type { GobelieveAsked, GobelieveLogin } from "./gobelieve/layouts.ts";
import type { RpcId, RpcRequest } from "./json_rpc/frames.ts";
import type { ReasonCode } from "./reasons.ts";
import type { Sockets } from "./sockets.ts";
import type { FrameFrom, SubFrame } from "./wukong/frames.ts";

/** What the chat app says: a frame, with or without the fields for encryption. */
export type ClientFrame = FrameFrom<"client"> | RpcRequest;
export type ConnectAsked = Extract<ClientFrame, { type: "connect" }>;
export type SendAsked = Extract<ClientFrame, { type: "send" }>;
/** Whoever logs in; a protocol that does not name the person leaves that to the token. */
export type Login = ConnectAsked | GobelieveLogin;

/** One frame as it came in. */
export interface Asked {
  /** Undefined: it was no request, and `complaint` is what to say about it, if anything. */
  frame: ClientFrame | GobelieveLogin | GobelieveAsked | undefined;
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
  setting?: number;
  atMs: number;
}

/** One WebSocket message. */
export type Data = string | Uint8Array<ArrayBuffer>;

/** What a session is held over, a WebSocket or what looks like one. */
export interface Wire {
  readonly readyState: number;
  /** Bytes sent that have not left yet. */
  readonly bufferedAmount: number;
  send(data: Data): void;
  close(code: number, reason: string): void;
  addEventListener(type: string, listener: EventListenerObject): void;
}

/** A connection whose person is known, as what is said on it sees it. */
export interface Connection {
  readonly socketId: string;
  readonly userId: number;
  readonly uid: string;
  /** The app the person belongs to, and their number in it. */
  readonly appId: number;
  readonly appUid: LongInteger;
  readonly isLive: boolean;
  /** Bytes the client has not read yet. */
  readonly unreadBytes: number;
  /** One frame, one WebSocket message. @returns whether it went out */
  say(data: Data | undefined): boolean;
  close(code: number, reason: string): void;
  /** Resolves after so long, or when the connection ends. */
  pause(ms: number): Promise<void>;
}

/**
 * What is said on one connection once it is known whose it is, in the order of its protocol. Frames
 * are taken and news is sent one after the other, never at once.
 */
export interface Dialogue {
  /** Finds out where the person's inbox stands; before the login is answered. */
  begin(): Promise<void>;
  take(asked: Asked): Promise<void>;
  /** The person's inbox has got this far; Infinity: nobody knows how far. */
  wake(seq: number): void;
  /** Whether there is something to drain. */
  readonly isBehind: boolean;
  /** Sends what is new, one page of it. */
  drain(): Promise<void>;
  /** Sends something that is not kept. */
  pass(moment: Moment): void;
  /** Whether what was sent has been confirmed; if not, the connection ends. */
  checkConfirmed(nowMs: number): void;
  stop(): void;
}

/** One connection's protocol, as far as all of them are alike. */
export interface Protocol {
  /** Its clients ping every few minutes only. */
  readonly isQuiet: boolean;
  /** @throws {FrameError} here or while iterating: there is no going on after that */
  read(data: unknown): Iterable<Asked>;
  /** Agrees on keys, where the protocol has them. @returns why the client cannot be let in */
  greet(login: Login): ReasonCode | undefined;
  /** The answer to a login, yes or no. */
  connack(asked: Asked, reason: ReasonCode, nowMs: number): Data;
  /** What tells the client to stay away. */
  disconnect(reason: ReasonCode): Data;
  /** What is said from the login on. */
  converse(connection: Connection, sockets: Sockets): Dialogue;
}

/** A protocol of the chat app: turns what there is to say into WebSocket messages and back. */
export interface Codec extends Protocol {
  /** Whether every client of this protocol confirms the messages it gets. */
  readonly mustAck: boolean;
  /** A SEND's payload in the clear. @throws {CipherError} */
  open(send: SendAsked): Uint8Array;
  sendack(asked: Asked, sent: Sent): Data;
  recv(message: Received): Data;
  /** The answer to RECVACK, where somebody waits for one. */
  recvacked(asked: Asked): Data | undefined;
  pong(asked: Asked): Data | undefined;
  suback(sub: SubFrame, reason: ReasonCode): Data;
}
