import { ByteReader, ByteWriter, FrameError, TooLargeError } from "../wukong/bytes.ts";
import {
  BODY_BYTES_MAX,
  COMMANDS,
  type GobelieveFrame,
  type GobelieveInput,
  type GobelieveType,
  LAYOUTS,
  SENT_BY,
} from "./layouts.ts";

export { BODY_BYTES_MAX } from "./layouts.ts";

const HEADER_BYTES = 12;
/** What one WebSocket message may bring, however many frames it is. */
export const CHUNK_BYTES_MAX = 1024 * 1024;

/** One frame as bytes, to be sent as a WebSocket message of its own: im_js refuses what is behind. */
export function encodeFrame(
  frame: GobelieveInput,
  { seq, version }: { seq: number; version: number },
): Uint8Array<ArrayBuffer> {
  const values = frame as unknown as Record<string, unknown>;
  const body = new ByteWriter();
  for (const { name, kind, versionMin } of LAYOUTS[frame.type]) {
    if (version >= versionMin) kind.write(body, values[name]);
  }
  const bytes = body.done();
  if (bytes.length > BODY_BYTES_MAX) throw new FrameError("the body is too large");
  const writer = new ByteWriter();
  writer.i32(bytes.length);
  writer.i32(seq);
  for (const byte of [COMMANDS[frame.type], version, frame.flags ?? 0, 0]) writer.u8(byte);
  writer.rest(bytes);
  return writer.done();
}

const typesByCommand = new Map(
  Object.entries(COMMANDS).map(([type, command]) => [command, type as GobelieveType]),
);

/**
 * The frames of one WebSocket message, one by one, so that the good ones in front of a bad one still
 * count. A message has whole frames; those nobody here knows of, or the other side would send, are
 * passed over.
 *
 * @throws {FrameError} while iterating
 */
export function* readFrames(
  chunk: Uint8Array,
  { from }: { from: "client" | "server" },
): Generator<GobelieveFrame, void> {
  if (chunk.length > CHUNK_BYTES_MAX) throw new TooLargeError("too many bytes at once");
  for (let at = 0; at < chunk.length;) {
    const header = new ByteReader(chunk.subarray(at, at + HEADER_BYTES));
    const length = header.i32();
    const seq = header.i32();
    const [command, version, flags] = [header.u8(), header.u8(), header.u8()];
    header.u8();
    // One that is too large is answered as such; the chunk bounds it.
    if (length < 0) throw new FrameError("a length is out of range");
    if (length > CHUNK_BYTES_MAX) throw new TooLargeError("the frame is too large");
    const end = at + HEADER_BYTES + length;
    if (end > chunk.length) throw new FrameError("a message ends within a frame");
    const type = typesByCommand.get(command);
    if (type && SENT_BY[from].includes(type)) {
      const body = chunk.subarray(at + HEADER_BYTES, end);
      yield { type, seq, version, flags, ...readBody(type, version, body) } as GobelieveFrame;
    }
    at = end;
  }
}

function readBody(
  type: GobelieveType,
  version: number,
  body: Uint8Array,
): Record<string, unknown> {
  const reader = new ByteReader(body);
  const values: Record<string, unknown> = {};
  for (const { name, kind, versionMin } of LAYOUTS[type]) {
    if (version < versionMin) continue;
    const value = kind.read(reader);
    if (name !== "") values[name] = value;
  }
  reader.end();
  return values;
}
