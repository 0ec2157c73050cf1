import assert from "node:assert/strict";
import {
  BODY_BYTES_MAX,
  connackVersions,
  encodeFrame,
  type Flags,
  type Frame,
  FrameError,
  type FrameInput,
  FrameReader,
  PENDING_BYTES_MAX,
  type Sender,
  sessionVersion,
} from "../../../routes/realtime/wukong/frames.ts";
import { frameVectors, fromHex, senderOf, toHex } from "./vectors.ts";

const noFlags: Flags = { noPersist: false, redDot: false, syncOnce: false, dup: false };
const withFlags = (frame: FrameInput) => ({ ...frame, flags: { ...noFlags, ...frame.flags } });

function readAll(bytes: Uint8Array, from: Sender = "client", version = 2): Frame[] {
  return [...new FrameReader<Sender>({ from, version }).push(bytes)];
}

const [connect, connack, send, , recv] = frameVectors.map(({ frame }) => frame);
const ping: FrameInput = { type: "ping" };

function sendOf(payloadBytes: number): FrameInput {
  return { ...send, payload: new Uint8Array(payloadBytes).fill(65) } as FrameInput;
}

for (const { frame, hex } of frameVectors) {
  Deno.test(`${frame.type} has the bytes of the reference, both ways`, () => {
    assert.equal(toHex(encodeFrame(frame, 2)), hex);
    assert.deepEqual(readAll(fromHex(hex), senderOf(frame)), [withFlags(frame)]);
  });
}

Deno.test("PING and PONG are one byte", () => {
  assert.equal(toHex(encodeFrame(ping, 2)), "70");
  assert.equal(toHex(encodeFrame({ type: "pong" }, 5)), "80");
  assert.deepEqual(readAll(fromHex("7070")), [withFlags(ping), withFlags(ping)]);
});

Deno.test("the length of a body takes one byte up to 127, two up to 16383, then three", () => {
  const fixed = encodeFrame(sendOf(0), 2).length - 2;
  for (
    const [length, prefix] of [
      [127, "327f"],
      [128, "328001"],
      [16_383, "32ff7f"],
      [16_384, "32808001"],
      [BODY_BYTES_MAX, "32808004"],
    ] as const
  ) {
    const frame = sendOf(length - fixed);
    const bytes = encodeFrame({ ...frame, flags: { redDot: true } }, 2);
    assert.equal(toHex(bytes.subarray(0, prefix.length / 2)), prefix);
    assert.equal(bytes.length, prefix.length / 2 + length);
    assert.deepEqual(readAll(bytes), [withFlags(frame)]);
  }
  assert.throws(() => encodeFrame(sendOf(BODY_BYTES_MAX - fixed + 1), 2), FrameError);
});

Deno.test("frames come out whole wherever the bytes are cut", () => {
  const frames = [connect!, send!, ping, sendOf(200), ping];
  const bytes = fromHex(frames.map((frame) => toHex(encodeFrame(frame, 2))).join(""));
  for (let at = 0; at <= bytes.length; at++) {
    const reader = new FrameReader({ from: "client" });
    const got = [...reader.push(bytes.subarray(0, at)), ...reader.push(bytes.subarray(at))];
    assert.deepEqual(got, frames.map(withFlags));
    assert.equal(reader.remainderBytes, 0);
  }
  const reader = new FrameReader({ from: "client" });
  const oneByOne = [...bytes].flatMap((byte) => [...reader.push(Uint8Array.of(byte))]);
  assert.deepEqual(oneByOne, frames.map(withFlags));
});

Deno.test("good frames in front of a bad one are still given", () => {
  const reader = new FrameReader({ from: "client" });
  const frames = reader.push(fromHex("7070f0"));
  assert.deepEqual([frames.next().value, frames.next().value], [ping, ping].map(withFlags));
  assert.throws(() => frames.next(), FrameError);
});

Deno.test("after an error a reader takes nothing more", () => {
  const reader = new FrameReader({ from: "client" });
  assert.throws(() => [...reader.push(fromHex("f0"))], FrameError);
  assert.throws(() => reader.push(fromHex("70")), FrameError);
  assert.equal(reader.remainderBytes, 0);
});

Deno.test("a reader does not depend on a chunk after it was pushed", () => {
  const bytes = encodeFrame(send!, 2);
  const reader = new FrameReader({ from: "client", version: 2 });
  const head = bytes.slice(0, 10);
  assert.deepEqual([...reader.push(head)], []);
  head.fill(0);
  assert.deepEqual([...reader.push(bytes.subarray(10))], [withFlags(send!)]);
});

const malformed: Record<string, [hex: string, because: RegExp]> = {
  "packet type 0": ["0000", /unknown packet type 0/],
  "packet type 12": ["c000", /unknown packet type 12/],
  "packet type 15": ["f000", /unknown packet type 15/],
  "a frame only a server sends": ["4011" + "00".repeat(17), /wrong side/],
  "a length with a needless byte": ["328000", /longer than it needs/],
  "a length with three needless bytes": ["3285808000", /longer than it needs/],
  "a length of five bytes": ["328080808001", /too many bytes/],
  "a body one byte too large": ["10818004", /too large/],
  "a body of 256 MiB": ["32ffffff7f", /too large/],
  "a body that ends within a number": ["6004" + "00000000", /ends within/],
  "a body that ends within a string": ["1006" + "0201" + "00046465", /ends within/],
  "a body without anything": ["3000", /ends within/],
  "bytes behind the last field": ["600d" + "00000000000003e9" + "00000007" + "00", /behind/],
  "a string that is not UTF-8": ["1006" + "0201" + "0002c328", /not UTF-8/],
  "half of a surrogate pair": ["1007" + "0201" + "0003eda080", /not UTF-8/],
  "a string with a negative length": ["1004" + "0201" + "8000", /too long/],
  "an id above 2^53": ["600c" + "0020000000000000" + "00000007", /out of range/],
  "a negative id": ["600c" + "ffffffffffffffff" + "00000007", /out of range/],
};
for (const [name, [hex, because]] of Object.entries(malformed)) {
  Deno.test(`refused: ${name}`, () => {
    assert.throws(
      () => readAll(fromHex(hex)),
      (error) => error instanceof FrameError && because.test(error.message),
    );
  });
}

Deno.test("a frame that is not complete is awaited, not refused", () => {
  for (const hex of ["", "32", "3280", "325d", "10", "32ff7f00"]) {
    assert.deepEqual(readAll(fromHex(hex)), []);
  }
});

Deno.test("more bytes at once than the maximum are refused before they are kept", () => {
  const reader = new FrameReader({ from: "client" });
  assert.throws(() => reader.push(new Uint8Array(PENDING_BYTES_MAX + 1).fill(0x70)), FrameError);
  assert.equal(reader.remainderBytes, 0);
  // Nobody iterates here: the bytes of many chunks add up.
  const idle = new FrameReader({ from: "client" });
  idle.push(new Uint8Array(PENDING_BYTES_MAX).fill(0x70));
  assert.throws(() => idle.push(fromHex("70")), FrameError);
});

Deno.test("a byte order mark is part of a text", () => {
  const frame = { ...connect, uid: "\ufeffalice" } as FrameInput;
  assert.deepEqual(readAll(encodeFrame(frame, 2)), [withFlags(frame)]);
});

Deno.test("a session speaks the client's version up to 5, and 5 with one that names none", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 255].map(sessionVersion), [5, 1, 2, 3, 4, 5, 5, 5]);
});

Deno.test("a CONNECT sets the version of the frames glued behind it", () => {
  for (const version of [2, 3, 4, 5]) {
    const hello = { ...connect, version } as FrameInput;
    const withExpire = { ...send, ...(version >= 3 && { expire: 60 }) } as FrameInput;
    const bytes = fromHex(toHex(encodeFrame(hello, 2)) + toHex(encodeFrame(withExpire, version)));
    const reader = new FrameReader({ from: "client" });
    assert.deepEqual([...reader.push(bytes)], [hello, withExpire].map(withFlags));
    assert.equal(reader.version, version);
  }
});

Deno.test("expire takes four bytes from version 3, and CONNACK's nodeId eight from version 4", () => {
  const sizes = (frame: FrameInput) => [2, 3, 4, 5].map((it) => encodeFrame(frame, it).length);
  const [s2, c2, r2] = [send!, connack!, recv!].map((frame) => encodeFrame(frame, 2).length) as [
    number,
    number,
    number,
  ];
  assert.deepEqual(sizes(send!), [s2, s2 + 4, s2 + 4, s2 + 4]);
  // The longer RECV also needs nothing more for its length: it stays below 128.
  assert.deepEqual(sizes(recv!), [r2, r2 + 4, r2 + 4, r2 + 4]);
  assert.deepEqual(sizes(connack!), [c2, c2, c2 + 8, c2 + 8]);
});

Deno.test("CONNACK carries the version byte for clients above version 3 alone", () => {
  const heads = [0, 2, 3, 4, 5, 9].map((client) => {
    const frame = { ...connack, ...connackVersions(client) } as FrameInput;
    const bytes = encodeFrame(frame, sessionVersion(client));
    assert.deepEqual(readAll(bytes, "server", sessionVersion(client)), [withFlags(frame)]);
    return toHex(bytes.subarray(0, 3));
  });
  // Type and flag, length, then either the version or the first byte of the difference in time.
  assert.deepEqual(heads, ["205100", "204900", "204900", "215204", "215205", "215205"]);
});

Deno.test("a SEND's stream number is read where the client's version has one", () => {
  const streamed = (setting: number) => ({ ...send, setting, streamNo: "s1" }) as FrameInput;
  for (const [version, setting] of [[2, 0x02], [2, 0x04], [3, 0x02], [4, 0x02]] as const) {
    const [frame] = readAll(encodeFrame(streamed(setting), version), "client", version);
    assert.equal((frame as { streamNo?: string }).streamNo, "s1");
    assert.equal((frame as { channelId?: string }).channelId, "bob");
  }
  for (const [version, setting] of [[5, 0x02], [3, 0x04], [5, 0x04]] as const) {
    const [frame] = readAll(encodeFrame(streamed(setting), version), "client", version);
    assert.equal((frame as { streamNo?: string }).streamNo, undefined);
  }
});

Deno.test("a RECV never belongs to a stream", () => {
  for (const setting of [0x02, 0x04, 0x06]) {
    assert.throws(() => encodeFrame({ ...recv, setting } as FrameInput, 2), FrameError);
  }
});

Deno.test("a value the wire cannot carry is refused", () => {
  const ack = { type: "sendack", clientSeq: 1, messageSeq: 7, reasonCode: 1 } as const;
  for (const messageId of [2 ** 53, -1, 0.5, NaN]) {
    assert.throws(() => encodeFrame({ ...ack, messageId }, 2), FrameError);
  }
  assert.throws(() => encodeFrame({ ...ack, messageId: 1, reasonCode: 256 }, 2), FrameError);
  assert.throws(() => encodeFrame({ ...ack, messageId: 1, clientSeq: 2 ** 32 }, 2), FrameError);
  const bye = { type: "disconnect", reasonCode: 12 } as const;
  assert.doesNotThrow(() => encodeFrame({ ...bye, reason: "x".repeat(32_767) }, 2));
  assert.throws(() => encodeFrame({ ...bye, reason: "x".repeat(32_768) }, 2), FrameError);
});
