import { type LongInteger, longIntegerOf } from "../../../config/runtime/long_integer.ts";

/** Bytes that are not the protocol, or a value it cannot carry. The connection is to be closed. */
export class FrameError extends Error {
  override name = "FrameError";
}

/** More bytes than anything has that is answered. */
export class TooLargeError extends FrameError {
  override name = "TooLargeError";
}

/** The reference reads a string's length as a signed number, so the upper half is unusable. */
const TEXT_BYTES_MAX = 0x7fff;
const ID_MAX = BigInt(Number.MAX_SAFE_INTEGER);

const encoder = new TextEncoder();
// A byte order mark is part of the text: signatures are computed over it.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads the fields of one body, front to back. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  /** A 64-bit number that fits into a double, as all ids of ours do. */
  id(): number {
    const value = this.i64();
    if (value < 0n || value > ID_MAX) throw new FrameError("an id is out of range");
    return Number(value);
  }

  /** A 64-bit number that others have chosen. */
  long(): LongInteger {
    const value = this.i64();
    if (value < 0n) throw new FrameError("an id is out of range");
    return longIntegerOf(value);
  }

  text(): string {
    const length = this.#view.getUint16(this.#take(2));
    if (length > TEXT_BYTES_MAX) throw new FrameError("a string is too long");
    return this.#text(length);
  }

  /** A text whose length is one byte. */
  shortText(): string {
    return this.#text(this.u8());
  }

  #text(length: number): string {
    const from = this.#take(length);
    try {
      return decoder.decode(this.#bytes.subarray(from, from + length));
    } catch (cause) {
      throw new FrameError("a string is not UTF-8", { cause });
    }
  }

  /**
   * All that is left, copied: the bytes read from may be a large buffer that should be freed. Of
   * what is too large anyway so much is enough.
   */
  rest({ countMax = Infinity } = {}): Uint8Array {
    const from = this.#take(this.#bytes.length - this.#at);
    return this.#bytes.slice(from, Math.min(from + countMax, this.#bytes.length));
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new FrameError("bytes behind the last field");
  }

  #take(count: number): number {
    const from = this.#at;
    if (from + count > this.#bytes.length) throw new FrameError("the body ends within a field");
    this.#at += count;
    return from;
  }
}

/** Writes the fields of one body, front to back. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;

  u8(value: number): void {
    checkRange(value, 0xff);
    this.#view.setUint8(this.#grow(1), value);
  }

  u32(value: number): void {
    checkRange(value, 0xffff_ffff);
    this.#view.setUint32(this.#grow(4), value);
  }

  i32(value: number): void {
    if ((value | 0) !== value) throw new FrameError(`${value} does not fit`);
    this.#view.setInt32(this.#grow(4), value);
  }

  i64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw new FrameError(`${value} does not fit`);
    this.#view.setBigInt64(this.#grow(8), value);
  }

  u64(value: bigint): void {
    if (BigInt.asUintN(64, value) !== value) throw new FrameError(`${value} does not fit`);
    this.#view.setBigUint64(this.#grow(8), value);
  }

  id(value: number): void {
    checkRange(value, Number.MAX_SAFE_INTEGER);
    this.i64(BigInt(value));
  }

  text(value: string): void {
    const bytes = encoder.encode(value);
    if (bytes.length > TEXT_BYTES_MAX) throw new FrameError("a string is too long");
    this.#view.setUint16(this.#grow(2), bytes.length);
    this.rest(bytes);
  }

  /** A text whose length is one byte. */
  shortText(value: string): void {
    const bytes = encoder.encode(value);
    this.u8(bytes.length);
    this.rest(bytes);
  }

  rest(bytes: Uint8Array): void {
    // Growing replaces the array, so it comes before the array is looked up.
    const from = this.#grow(bytes.length);
    this.#bytes.set(bytes, from);
  }

  done(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#end);
  }

  #grow(count: number): number {
    const from = this.#end;
    this.#end += count;
    if (this.#end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#end, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return from;
  }
}

function checkRange(value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new FrameError(`${value} does not fit`);
  }
}

/** Four groups of seven bits are more than any length that is accepted. */
const LENGTH_BYTES_MAX = 4;

/** A length as groups of seven bits, the least significant first; bit 7 says that more follow. */
export function lengthBytes(length: number): number[] {
  const bytes: number[] = [];
  let left = length;
  do {
    const more = left > 0x7f;
    bytes.push((left & 0x7f) | (more ? 0x80 : 0));
    left >>>= 7;
  } while (left > 0);
  return bytes;
}

/**
 * Reads what {@link lengthBytes} writes, from the second byte of a frame.
 *
 * @returns the length and where the body starts, or undefined when the length is not complete yet
 */
export function readLength(frame: Uint8Array): { length: number; bodyAt: number } | undefined {
  let length = 0;
  for (let group = 0; group < LENGTH_BYTES_MAX; group++) {
    const byte = frame[1 + group];
    if (byte === undefined) return undefined;
    length |= (byte & 0x7f) << (7 * group);
    if (byte & 0x80) continue;
    // One length must have one spelling, or two parties see different frames.
    if (byte === 0 && group > 0) throw new FrameError("a length is longer than it needs to be");
    return { length, bodyAt: 2 + group };
  }
  throw new TooLargeError("a length has too many bytes");
}
