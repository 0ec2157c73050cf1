import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import { CONTENT_BYTES_MAX } from "../../../db/domain/messages/rules.ts";
import { type ByteReader, type ByteWriter, FrameError } from "../wukong/bytes.ts";

/** What a message is on the wire: numbers are the app's own, of people, groups and rooms. */
interface Said {
  sender: LongInteger;
  /** The person, the group, or the room. */
  receiver: LongInteger;
  /** Undefined: the bytes are no UTF-8. */
  content: string | undefined;
}

interface Numbered extends Said {
  /** s since 1970; version 0 has none. */
  timestamp?: number | undefined;
  /** The client's own number of the message; 0: none. */
  msgLocalId: number;
}

interface OfGroup {
  groupId: number;
  key: number;
}

/** The body of every frame that is known here. */
interface Bodies {
  auth_status: { status: number };
  im: Numbered;
  ack: { acknowledged: number; status?: number | undefined };
  group_notification: { content: string | undefined };
  group_im: Numbered;
  ping: unknown;
  pong: unknown;
  auth_token: { platform: number; token: string; deviceId: string };
  rt: Said;
  enter_room: { roomId: LongInteger };
  leave_room: { roomId: LongInteger };
  room_im: Said;
  system: { content: string | undefined };
  unread_count: { count: number };
  sync: { key: number };
  sync_begin: { key: number };
  sync_end: { key: number };
  sync_notify: { key: number };
  sync_group: OfGroup;
  sync_group_begin: OfGroup;
  sync_group_end: OfGroup;
  sync_group_notify: OfGroup;
  sync_key: { key: number };
  group_sync_key: OfGroup;
  notification: { content: string | undefined };
  metadata: { key: number; previousKey: number };
  customer: Said & { senderApp: number; receiverApp: number; timestamp: number };
}

export type GobelieveType = keyof Bodies;

/** A frame to be written; `flags` are those of {@link Flag}. */
export type GobelieveInput = {
  [T in GobelieveType]: { type: T; flags?: number } & Bodies[T];
}[GobelieveType];

/** A frame as it was read. */
export type GobelieveFrame = {
  [T in GobelieveType]: { type: T; seq: number; version: number; flags: number } & Bodies[T];
}[GobelieveType];

const SENT_BY_CLIENT = [
  "auth_token",
  "im",
  "group_im",
  "customer",
  "ack",
  "ping",
  "rt",
  "room_im",
  "enter_room",
  "leave_room",
  "unread_count",
  "sync",
  "sync_key",
  "sync_group",
  "group_sync_key",
] satisfies GobelieveType[];

const SENT_BY_SERVER = [
  "auth_status",
  "im",
  "group_im",
  "customer",
  "ack",
  "pong",
  "rt",
  "room_im",
  "group_notification",
  "system",
  "notification",
  "metadata",
  "sync_begin",
  "sync_end",
  "sync_notify",
  "sync_group_begin",
  "sync_group_end",
  "sync_group_notify",
] satisfies GobelieveType[];

/** The frames one side may send. */
export const SENT_BY: Record<"client" | "server", readonly GobelieveType[]> = {
  client: SENT_BY_CLIENT,
  server: SENT_BY_SERVER,
};

type FromClient = Extract<GobelieveFrame, { type: (typeof SENT_BY_CLIENT)[number] }>;
/** What a client that is known may say. */
export type GobelieveAsked = Exclude<FromClient, { type: "auth_token" }>;

/** Somebody says who they are, by nothing but a token. */
export interface GobelieveLogin {
  type: "connect";
  uid?: undefined;
  token: string;
  deviceFlag: number;
}

/** `cmd` of the header. */
export const COMMANDS: Record<GobelieveType, number> = {
  auth_status: 3,
  im: 4,
  ack: 5,
  group_notification: 7,
  group_im: 8,
  ping: 13,
  pong: 14,
  auth_token: 15,
  rt: 17,
  enter_room: 18,
  leave_room: 19,
  room_im: 20,
  system: 21,
  unread_count: 22,
  sync: 26,
  sync_begin: 27,
  sync_end: 28,
  sync_notify: 29,
  sync_group: 30,
  sync_group_begin: 31,
  sync_group_end: 32,
  sync_group_notify: 33,
  sync_key: 34,
  group_sync_key: 35,
  notification: 36,
  metadata: 37,
  customer: 64,
};

/** Bits of `flag`. */
export const Flag = { text: 1, notKept: 2, group: 4, self: 8, push: 16, superGroup: 32 } as const;

/** How one field is read and written. */
interface Kind<T> {
  read(from: ByteReader): T;
  write(to: ByteWriter, value: T): void;
}

interface Field {
  /** Empty: bytes that say nothing. */
  name: string;
  kind: Kind<unknown>;
  versionMin: number;
}

function field<T>(name: string, kind: Kind<T>, { versionMin = 0 } = {}): Field {
  return { name, kind: kind as Kind<unknown>, versionMin };
}

const u8: Kind<number> = { read: (from) => from.u8(), write: (to, it) => to.u8(it) };
const i32: Kind<number> = { read: (from) => from.i32(), write: (to, it) => to.i32(it) };
const id: Kind<number> = { read: (from) => from.id(), write: (to, it) => to.id(it) };
/** Chosen by others. */
const long: Kind<LongInteger> = {
  read: (from) => from.long(),
  write: (to, it) => to.i64(BigInt(it)),
};
const text: Kind<string> = {
  read: (from) => from.shortText(),
  write: (to, it) => to.shortText(it),
};
const reserved: Kind<unknown> = {
  read: (from) => [from.u64(), from.u64()],
  write: (to) => to.rest(new Uint8Array(16)),
};

const encoder = new TextEncoder();
// A byte order mark is part of the text, which goes out as it came in.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The largest content there is, and the fields in front of it; more than the original ever sends. */
export const BODY_BYTES_MAX = CONTENT_BYTES_MAX + 64;

/** Bytes that are no text, or too many, are the message's fault, which is refused, not the connection's. */
const content: Kind<string | undefined> = {
  read(from) {
    const bytes = from.rest({ countMax: CONTENT_BYTES_MAX + 1 });
    if (bytes.length > CONTENT_BYTES_MAX) return undefined;
    try {
      return decoder.decode(bytes);
    } catch {
      return undefined;
    }
  },
  write(to, it) {
    if (it === undefined) throw new FrameError("there is no content");
    to.rest(encoder.encode(it));
  },
};

const said = [field("sender", long), field("receiver", long), field("content", content)];
const numbered = [
  field("sender", long),
  field("receiver", long),
  field("timestamp", i32, { versionMin: 1 }),
  field("msgLocalId", i32),
  field("content", content),
];
const unsigned = [field("content", content)];
const key = [field("key", id)];
const ofGroup = [field("groupId", id), field("key", id)];
const room = [field("roomId", long)];

/** The fields of every body in the order of the wire (docs/realtime.md#gobelieve). */
export const LAYOUTS: Record<GobelieveType, readonly Field[]> = {
  auth_status: [field("status", i32)],
  im: numbered,
  ack: [field("acknowledged", i32), field("status", u8, { versionMin: 2 })],
  group_notification: unsigned,
  group_im: numbered,
  ping: [],
  pong: [],
  auth_token: [field("platform", u8), field("token", text), field("deviceId", text)],
  rt: said,
  enter_room: room,
  leave_room: room,
  room_im: said,
  system: unsigned,
  unread_count: [field("count", i32)],
  sync: key,
  sync_begin: key,
  sync_end: key,
  sync_notify: key,
  sync_group: ofGroup,
  sync_group_begin: ofGroup,
  sync_group_end: ofGroup,
  sync_group_notify: ofGroup,
  sync_key: key,
  group_sync_key: ofGroup,
  notification: unsigned,
  metadata: [field("key", id), field("previousKey", id), field("", reserved)],
  customer: [
    field("senderApp", id),
    field("sender", long),
    field("receiverApp", id),
    field("receiver", long),
    field("timestamp", i32),
    field("content", content),
  ],
};
