import {
  ByteReader,
  ByteWriter,
  FrameError,
  lengthBytes,
  readLength,
  TooLargeError,
} from "./bytes.ts";
import { layoutOf, PACKET_NUMBERS } from "./layouts.ts";
import type { ConnackFrame, Flags, Frame, FrameInput, FrameType } from "./packets.ts";

export { FrameError, TooLargeError } from "./bytes.ts";
export { SEALED_BYTES_MAX, Setting } from "./layouts.ts";
export type * from "./packets.ts";

/** What a SEND may have: one that is too large is answered, not cut. */
export const SEND_BYTES_MAX = 1024 * 1024;
/** Far above a sealed message of the largest size the clients survive, far below the reference. */
export const BODY_BYTES_MAX = 64 * 1024;
/** What one chunk may bring together with the remainder before it: a frame, its head, and as much. */
export const PENDING_BYTES_MAX = 2 * SEND_BYTES_MAX + 16;

const VERSION_NEWEST = 5;
/** Clients show it and do nothing with it. */
const NODE_ID = 1n;

/** The version a connection speaks, from the one its CONNECT names; 0 means the newest. */
export function sessionVersion(clientVersion: number): number {
  return clientVersion === 0 ? VERSION_NEWEST : Math.min(clientVersion, VERSION_NEWEST);
}

/**
 * What CONNACK says about versions. Clients up to version 3 cannot read the extra byte: every
 * field behind it would shift. Newer ones fall back to version 2 without it.
 */
export function connackVersions(
  clientVersion: number,
): Pick<ConnackFrame, "serverVersion" | "nodeId"> {
  const version = sessionVersion(clientVersion);
  return {
    ...(clientVersion > 3 && { serverVersion: version }),
    ...(version > 3 && { nodeId: NODE_ID }),
  };
}

/** Bit 0 of a CONNACK's first byte; it is no flag there. */
const HAS_SERVER_VERSION = 1;

/** One frame as bytes, to be sent as a WebSocket message of its own: client 1.0.4 needs that. */
export function encodeFrame(frame: FrameInput, version: number): Uint8Array<ArrayBuffer> {
  const head = PACKET_NUMBERS[frame.type] << 4 | flagBits(frame);
  if (frame.type === "ping" || frame.type === "pong") return Uint8Array.of(head);

  const values = frame as unknown as Record<string, unknown>;
  const writer = new ByteWriter();
  const seen = {
    version,
    setting: "setting" in frame ? frame.setting : 0,
    hasServerVersion: (head & HAS_SERVER_VERSION) !== 0,
  };
  for (const { name, kind, when } of layoutOf(frame.type)) {
    if (!when || when(seen)) kind.write(writer, values[name] ?? kind.empty);
  }
  const body = writer.done();
  if (body.length > BODY_BYTES_MAX) throw new FrameError("the body is too large");
  const prefix = [head, ...lengthBytes(body.length)];
  const bytes = new Uint8Array(prefix.length + body.length);
  bytes.set(prefix);
  bytes.set(body, prefix.length);
  return bytes;
}

function flagBits(frame: FrameInput): number {
  const flags = frame.flags ?? {};
  const others = Number(flags.redDot ?? false) << 1 | Number(flags.syncOnce ?? false) << 2 |
    Number(flags.dup ?? false) << 3;
  const lowest = frame.type === "connack"
    ? frame.serverVersion !== undefined
    : flags.noPersist ?? false;
  return others | Number(lowest);
}

function readFlags(type: FrameType, bits: number): Flags {
  return {
    noPersist: type !== "connack" && (bits & 1) !== 0,
    redDot: (bits & 2) !== 0,
    syncOnce: (bits & 4) !== 0,
    dup: (bits & 8) !== 0,
  };
}

const typesByNumber = new Map(
  Object.entries(PACKET_NUMBERS).map(([type, number]) => [number, type as FrameType]),
);

function decodeBody(type: FrameType, bits: number, body: Uint8Array, version: number): Frame {
  const reader = new ByteReader(body);
  const seen = { version, setting: 0, hasServerVersion: (bits & HAS_SERVER_VERSION) !== 0 };
  const values: Record<string, unknown> = { type, flags: readFlags(type, bits) };
  for (const { name, kind, when } of layoutOf(type)) {
    if (when && !when(seen)) continue;
    values[name] = kind.read(reader);
    if (name === "setting") seen.setting = values[name] as number;
  }
  reader.end();
  return values as unknown as Frame;
}

const SENT_BY = {
  client: ["connect", "send", "recvack", "ping", "sub"],
  server: ["connack", "sendack", "recv", "pong", "disconnect", "suback"],
} as const satisfies Record<string, FrameType[]>;

export type Sender = keyof typeof SENT_BY;
/** The frames one side may send. */
export type FrameFrom<S extends Sender> = Extract<Frame, { type: (typeof SENT_BY)[S][number] }>;

const NOTHING = new Uint8Array();

/**
 * Turns a connection's bytes, cut anywhere and glued anyhow, into frames. Holds back at most one
 * incomplete frame. A CONNECT sets the version of all that follows it, even in the same chunk.
 * Once it has thrown it throws on: there is no telling where the next frame would start.
 */
export class FrameReader<S extends Sender> {
  version: number;
  readonly #types: readonly FrameType[];
  /** What has come lies from one place to the other. */
  #bytes = NOTHING;
  #from = 0;
  #to = 0;
  #error: FrameError | undefined;

  constructor({ from, version = VERSION_NEWEST }: { from: S; version?: number }) {
    this.version = version;
    this.#types = SENT_BY[from];
  }

  /** How many bytes wait for the rest of their frame. */
  get remainderBytes(): number {
    return this.#to - this.#from;
  }

  /**
   * Takes a chunk and gives its frames one by one, so that the good ones in front of a bad one
   * still count.
   *
   * @throws {FrameError} here or while iterating; {@link TooLargeError} for a frame above
   *   {@link SEND_BYTES_MAX}, before it has come
   */
  push(chunk: Uint8Array): Generator<FrameFrom<S>, void> {
    if (this.#error) throw this.#error;
    if (this.remainderBytes + chunk.length > PENDING_BYTES_MAX) {
      throw this.#fail(new TooLargeError("too many bytes at once"));
    }
    this.#append(chunk);
    return this.#frames();
  }

  /** Always a copy, for the caller may use its chunk again; of a frame in a thousand chunks not each. */
  #append(chunk: Uint8Array): void {
    if (this.#to + chunk.length > this.#bytes.length) {
      const kept = this.remainderBytes;
      const larger = new Uint8Array(Math.max(kept + chunk.length, 2 * kept));
      larger.set(this.#bytes.subarray(this.#from, this.#to));
      this.#bytes = larger;
      [this.#from, this.#to] = [0, kept];
    }
    this.#bytes.set(chunk, this.#to);
    this.#to += chunk.length;
  }

  *#frames(): Generator<FrameFrom<S>, void> {
    for (let frame = this.#next(); frame; frame = this.#next()) yield frame;
    // A few bytes left over do not hold on to a large chunk.
    if (this.#bytes.length <= 4 * this.remainderBytes) return;
    this.#bytes = this.#bytes.slice(this.#from, this.#to);
    [this.#from, this.#to] = [0, this.#bytes.length];
  }

  #next(): FrameFrom<S> | undefined {
    if (this.#error) throw this.#error;
    try {
      const frame = this.#cut();
      if (frame?.type === "connect") this.version = sessionVersion(frame.version);
      return frame as FrameFrom<S> | undefined;
    } catch (error) {
      throw error instanceof FrameError ? this.#fail(error) : error;
    }
  }

  /** Takes the first frame off the pending bytes; undefined when it is not complete. */
  #cut(): Frame | undefined {
    const pending = this.#bytes.subarray(this.#from, this.#to);
    const head = pending[0];
    if (head === undefined) return undefined;
    const type = typesByNumber.get(head >> 4);
    if (!type) throw new FrameError(`unknown packet type ${head >> 4}`);
    if (!this.#types.includes(type)) throw new FrameError(`${type} from the wrong side`);

    let bodyAt = 1;
    let length = 0;
    if (type !== "ping" && type !== "pong") {
      const found = readLength(pending);
      if (!found) return undefined;
      ({ length, bodyAt } = found);
      if (length > SEND_BYTES_MAX) throw new TooLargeError("the frame is too large");
      if (length > BODY_BYTES_MAX && type !== "send") throw new FrameError("the body is too large");
    }
    const end = bodyAt + length;
    if (end > pending.length) return undefined;
    this.#from += end;
    return decodeBody(type, head & 0x0f, pending.subarray(bodyAt, end), this.version);
  }

  #fail(error: FrameError): FrameError {
    this.#bytes = NOTHING;
    this.#from = this.#to = 0;
    return this.#error = error;
  }
}
