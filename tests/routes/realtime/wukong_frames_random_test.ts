import fc from "fast-check";
import assert from "node:assert/strict";
import {
  BODY_BYTES_MAX,
  encodeFrame,
  FrameError,
  type FrameInput,
  FrameReader,
  type Sender,
  Setting,
} from "../../../routes/realtime/wukong/frames.ts";
import { senderOf } from "./vectors.ts";

const u8 = fc.integer({ min: 0, max: 0xff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const id = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
// A byte order mark and characters of four bytes are what readers get wrong.
const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("", "\ufeff你好", "😀"));
const payload = fc.uint8Array({ maxLength: 300 });
const flags = fc.record({
  noPersist: fc.boolean(),
  redDot: fc.boolean(),
  syncOnce: fc.boolean(),
  dup: fc.boolean(),
});
const channel = { channelId: text, channelType: u8 };

/** Any frame of a version. */
function frameArb(version: number): fc.Arbitrary<FrameInput> {
  const of = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
    fc.record({ flags, ...fields });
  const expire = version >= 3 ? { expire: u32 } : {};
  const topics = fc.constantFrom({ setting: 0 }, { setting: Setting.topic });
  const topical = <T extends { setting: number; topic?: string }>({ topic, ...frame }: T) =>
    frame.setting & Setting.topic ? { ...frame, topic } : frame;
  const message = { clientMsgNo: text, msgKey: text, ...channel, ...expire, payload, topic: text };
  return fc.oneof(
    of({
      type: fc.constant("connect"),
      version: fc.constant(version),
      deviceFlag: u8,
      deviceId: text,
      uid: text,
      token: text,
      clientTimestamp: i64,
      clientKey: text,
    }),
    of({
      type: fc.constant("connack"),
      // The lowest flag has another meaning in this packet.
      flags: flags.map((it) => ({ ...it, noPersist: false })),
      timeDiff: i64,
      reasonCode: u8,
      serverKey: text,
      salt: text,
      ...(version >= 4 && { nodeId: u64, serverVersion: u8 }),
    }),
    fc.tuple(topics, of({ type: fc.constant("send"), clientSeq: u32, ...message }))
      .map(([topic, frame]) => topical({ ...frame, ...topic })),
    of({
      type: fc.constant("sendack"),
      messageId: id,
      clientSeq: u32,
      messageSeq: u32,
      reasonCode: u8,
    }),
    fc.tuple(
      topics,
      of({
        type: fc.constant("recv"),
        ...message,
        fromUid: text,
        messageId: id,
        messageSeq: u32,
        timestamp: u32,
      }),
    ).map(([topic, frame]) => topical({ ...frame, ...topic })),
    of({ type: fc.constant("recvack"), messageId: id, messageSeq: u32 }),
    of({ type: fc.constantFrom("ping", "pong") }),
    of({ type: fc.constant("disconnect"), reasonCode: u8, reason: text }),
    of({ type: fc.constant("sub"), setting: u8, subNo: text, ...channel, action: u8, param: text }),
    of({ type: fc.constant("suback"), subNo: text, ...channel, action: u8, reasonCode: u8 }),
  ) as unknown as fc.Arbitrary<FrameInput>;
}

/** fast-check makes records without a prototype, which differ from literals to a strict eye. */
const plain = (frame: FrameInput) => ({ ...frame, flags: { ...frame.flags } });

for (const version of [1, 2, 3, 4, 5]) {
  Deno.test(`every frame of version ${version} is read as it was written`, () => {
    fc.assert(
      fc.property(frameArb(version), (frame) => {
        const reader = new FrameReader<Sender>({ from: senderOf(frame), version });
        assert.deepEqual([...reader.push(encodeFrame(frame, version))], [plain(frame)]);
      }),
      { numRuns: 400 },
    );
  });
}

const FUZZ_ROUNDS = 100_000;
/** A first byte, its length and a body; nothing beyond that may be held back. */
const REMAINDER_BYTES_MAX = 1 + 3 + BODY_BYTES_MAX;

Deno.test("100,000 damaged streams end in frames, in waiting or in a FrameError", () => {
  const seed = Number(Deno.env.get("FUZZ_SEED") ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`FUZZ_SEED=${seed}`);
  const random = mulberry32(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const samples = [2, 3, 4, 5].flatMap((version) =>
    fc.sample(frameArb(version), { seed, numRuns: 100 })
      .filter((frame) => senderOf(frame) === "client")
      .map((frame) => encodeFrame(frame, version))
  );
  let refused = 0;
  let read = 0;
  for (let round = 0; round < FUZZ_ROUNDS; round++) {
    const bytes = damage(samples[below(samples.length)]!, below);
    const reader = new FrameReader({ from: "client", version: 2 + below(4) });
    const cut = below(bytes.length + 1);
    try {
      for (const chunk of [bytes.subarray(0, cut), bytes.subarray(cut), bytes.subarray(cut)]) {
        for (const _ of reader.push(chunk)) read++;
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      refused++;
    }
    if (reader.remainderBytes > REMAINDER_BYTES_MAX) assert.fail("too much is held back");
  }
  // Were all refused, or none, the damage would be of the wrong strength to say anything.
  assert.ok(refused > FUZZ_ROUNDS / 10 && read > FUZZ_ROUNDS / 10, `${refused} ${read}`);
});

/** One to four bytes changed, put in, taken out, or the whole cut off. */
function damage(frame: Uint8Array, below: (bound: number) => number): Uint8Array {
  const bytes = [...frame];
  for (let times = 1 + below(4); times > 0; times--) {
    const at = below(bytes.length + 1);
    const kind = below(4);
    if (kind === 0) bytes[Math.min(at, bytes.length)] = below(256);
    else if (kind === 1) bytes.splice(at, 0, below(256));
    else if (kind === 2) bytes.splice(at, 1);
    else bytes.splice(at);
  }
  return Uint8Array.from(bytes);
}

/** A small generator whose whole state is its seed, so that a failure replays. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
