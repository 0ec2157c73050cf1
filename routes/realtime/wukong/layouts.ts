import { KeptSetting } from "../../../db/domain/messages/rules.ts";
import { type ByteReader, type ByteWriter, FrameError } from "./bytes.ts";
import type { Frame, FrameType } from "./packets.ts";

export const PACKET_NUMBERS: Record<FrameType, number> = {
  connect: 1,
  connack: 2,
  send: 3,
  sendack: 4,
  recv: 5,
  recvack: 6,
  ping: 7,
  pong: 8,
  disconnect: 9,
  sub: 10,
  suback: 11,
};

/** Bits of `setting`. */
export const Setting = {
  receipt: KeptSetting.receipt,
  signal: KeptSetting.signal,
  plain: 0x10,
  topic: 0x08,
  stream: 0x02,
};
/** Where client 1.0.4, which speaks version 2, puts the bit for streams. */
const STREAM_IN_VERSION_2 = 0x04;

/** What decides whether an optional field is there. */
interface Seen {
  version: number;
  setting: number;
  hasServerVersion: boolean;
}

/** How one field is read and written; `empty` stands in for an optional value nobody gave. */
interface Kind<T> {
  read(from: ByteReader): T;
  write(to: ByteWriter, value: T): void;
  empty?: T;
}

interface Field<Name, T> {
  name: Name;
  kind: Kind<T>;
  when?: ((seen: Seen) => boolean) | undefined;
}

type FieldOf<F extends Frame> = {
  [Name in Exclude<keyof F, "type" | "flags">]-?: Field<Name, NonNullable<F[Name]>>;
}[Exclude<keyof F, "type" | "flags">];

function field<const Name extends string, T>(
  name: Name,
  kind: Kind<T>,
  when?: (seen: Seen) => boolean,
): Field<Name, T> {
  return { name, kind, when };
}

const u8: Kind<number> = { read: (from) => from.u8(), write: (to, it) => to.u8(it), empty: 0 };
const u32: Kind<number> = { read: (from) => from.u32(), write: (to, it) => to.u32(it), empty: 0 };
const i64: Kind<bigint> = { read: (from) => from.i64(), write: (to, it) => to.i64(it) };
const u64: Kind<bigint> = { read: (from) => from.u64(), write: (to, it) => to.u64(it), empty: 0n };
const id: Kind<number> = { read: (from) => from.id(), write: (to, it) => to.id(it) };
const text: Kind<string> = {
  read: (from) => from.text(),
  write: (to, it) => to.text(it),
  empty: "",
};
const rest: Kind<Uint8Array> = { read: (from) => from.rest(), write: (to, it) => to.rest(it) };

/** Far above a sealed message of the largest size; not worth opening, bytes. */
export const SEALED_BYTES_MAX = 64 * 1024;
const sealed: Kind<Uint8Array> = {
  read: (from) => from.rest({ countMax: SEALED_BYTES_MAX + 1 }),
  write: (to, it) => to.rest(it),
};

const settingOfRecv: Kind<number> = {
  read: (from) => withoutStream(from.u8()),
  write: (to, it) => to.u8(withoutStream(it)),
};

function withoutStream(setting: number): number {
  if (setting & (Setting.stream | STREAM_IN_VERSION_2)) {
    throw new FrameError("a RECV must not belong to a stream");
  }
  return setting;
}

const hasServerVersion = (seen: Seen) => seen.hasServerVersion;
const hasNodeId = ({ version }: Seen) => version >= 4;
const hasExpire = ({ version }: Seen) => version >= 3;
const hasTopic = ({ setting }: Seen) => (setting & Setting.topic) !== 0;
const hasStreamNo = ({ version, setting }: Seen) =>
  version >= 2 && version <= 4 &&
  (setting & (version === 2 ? Setting.stream | STREAM_IN_VERSION_2 : Setting.stream)) !== 0;

/** The fields of every packet in the order of the wire (docs/realtime.md#wukong-binary). */
const LAYOUTS: { [T in FrameType]: readonly FieldOf<Extract<Frame, { type: T }>>[] } = {
  connect: [
    field("version", u8),
    field("deviceFlag", u8),
    field("deviceId", text),
    field("uid", text),
    field("token", text),
    field("clientTimestamp", i64),
    field("clientKey", text),
  ],
  connack: [
    field("serverVersion", u8, hasServerVersion),
    field("timeDiff", i64),
    field("reasonCode", u8),
    field("serverKey", text),
    field("salt", text),
    field("nodeId", u64, hasNodeId),
  ],
  send: [
    field("setting", u8),
    field("clientSeq", u32),
    field("clientMsgNo", text),
    field("streamNo", text, hasStreamNo),
    field("channelId", text),
    field("channelType", u8),
    field("expire", u32, hasExpire),
    field("msgKey", text),
    field("topic", text, hasTopic),
    field("payload", sealed),
  ],
  sendack: [
    field("messageId", id),
    field("clientSeq", u32),
    field("messageSeq", u32),
    field("reasonCode", u8),
  ],
  recv: [
    field("setting", settingOfRecv),
    field("msgKey", text),
    field("fromUid", text),
    field("channelId", text),
    field("channelType", u8),
    field("expire", u32, hasExpire),
    field("clientMsgNo", text),
    field("messageId", id),
    field("messageSeq", u32),
    field("timestamp", u32),
    field("topic", text, hasTopic),
    field("payload", rest),
  ],
  recvack: [field("messageId", id), field("messageSeq", u32)],
  ping: [],
  pong: [],
  disconnect: [field("reasonCode", u8), field("reason", text)],
  sub: [
    field("setting", u8),
    field("subNo", text),
    field("channelId", text),
    field("channelType", u8),
    field("action", u8),
    field("param", text),
  ],
  suback: [
    field("subNo", text),
    field("channelId", text),
    field("channelType", u8),
    field("action", u8),
    field("reasonCode", u8),
  ],
};

/** The fields of a packet whose type is only known at run time. */
export function layoutOf(type: FrameType): readonly Field<string, unknown>[] {
  return LAYOUTS[type];
}
