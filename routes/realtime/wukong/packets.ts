/** The low half of a frame's first byte. */
export interface Flags {
  /** Not to be stored. */
  noPersist: boolean;
  /** Counts as unread. */
  redDot: boolean;
  syncOnce: boolean;
  /** Sent before. */
  dup: boolean;
}

interface Flagged {
  flags: Flags;
}

export interface ConnectFrame extends Flagged {
  type: "connect";
  version: number;
  /** 0 app, 1 web, 2 desktop, 99 system. */
  deviceFlag: number;
  deviceId: string;
  uid: string;
  token: string;
  /** ms; the client's clock, which may say anything. */
  clientTimestamp: bigint;
  /** Base64 of its X25519 public key. */
  clientKey: string;
}

export interface ConnackFrame extends Flagged {
  type: "connack";
  serverVersion?: number;
  /** Server clock minus client clock, ms. */
  timeDiff: bigint;
  reasonCode: number;
  serverKey: string;
  salt: string;
  /** From version 4. */
  nodeId?: bigint;
}

export interface SendFrame extends Flagged {
  type: "send";
  setting: number;
  clientSeq: number;
  clientMsgNo: string;
  /** There when the message belongs to a stream, which we do not take (reason 20). */
  streamNo?: string;
  channelId: string;
  channelType: number;
  /** Seconds, from version 3. */
  expire?: number;
  msgKey: string;
  topic?: string;
  /** Sealed: the ASCII bytes of a base64 text. */
  payload: Uint8Array;
}

export interface SendackFrame extends Flagged {
  type: "sendack";
  messageId: number;
  clientSeq: number;
  messageSeq: number;
  reasonCode: number;
}

export interface RecvFrame extends Flagged {
  type: "recv";
  /** Never with a bit for streams: the clients disagree about their fields. */
  setting: number;
  msgKey: string;
  fromUid: string;
  channelId: string;
  channelType: number;
  /** Seconds, from version 3. */
  expire?: number;
  clientMsgNo: string;
  messageId: number;
  messageSeq: number;
  /** Seconds since 1970. */
  timestamp: number;
  topic?: string;
  /** Sealed: the ASCII bytes of a base64 text. */
  payload: Uint8Array;
}

export interface RecvackFrame extends Flagged {
  type: "recvack";
  messageId: number;
  messageSeq: number;
}

export interface PingFrame extends Flagged {
  type: "ping";
}

export interface PongFrame extends Flagged {
  type: "pong";
}

export interface DisconnectFrame extends Flagged {
  type: "disconnect";
  reasonCode: number;
  reason: string;
}

export interface SubFrame extends Flagged {
  type: "sub";
  setting: number;
  subNo: string;
  channelId: string;
  channelType: number;
  /** 0 subscribe, 1 unsubscribe. */
  action: number;
  param: string;
}

export interface SubackFrame extends Flagged {
  type: "suback";
  subNo: string;
  channelId: string;
  channelType: number;
  action: number;
  reasonCode: number;
}

export type Frame =
  | ConnectFrame
  | ConnackFrame
  | SendFrame
  | SendackFrame
  | RecvFrame
  | RecvackFrame
  | PingFrame
  | PongFrame
  | DisconnectFrame
  | SubFrame
  | SubackFrame;
export type FrameType = Frame["type"];

type Unflagged<F> = F extends Frame ? Omit<F, "flags"> & { flags?: Partial<Flags> } : never;
/** A frame to send: flags that are not named are off. */
export type FrameInput = Unflagged<Frame>;
