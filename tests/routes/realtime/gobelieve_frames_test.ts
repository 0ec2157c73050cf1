import fc from "fast-check";
import assert from "node:assert/strict";
import {
  BODY_BYTES_MAX,
  CHUNK_BYTES_MAX,
  encodeFrame,
  readFrames,
} from "../../../routes/realtime/gobelieve/frames.ts";
import {
  COMMANDS,
  type GobelieveFrame,
  type GobelieveInput,
  type GobelieveType,
  LAYOUTS,
  SENT_BY,
} from "../../../routes/realtime/gobelieve/layouts.ts";
import { FrameError } from "../../../routes/realtime/wukong/bytes.ts";
import { Cmd, frameBytes, saidParts, shortText } from "../../clients/gobelieve.ts";

const hexOf = (bytes: Uint8Array) => bytes.toHex();
const read = (bytes: Uint8Array, from: "client" | "server" = "client") => [
  ...readFrames(bytes, { from }),
];
const said = { sender: 1, receiver: 2 ** 53 - 1, timestamp: 1_700_000_000, msgLocalId: -1 };

Deno.test("frames are, byte for byte, what the description says", () => {
  const cases: [GobelieveInput, number, string][] = [
    [{ type: "auth_status", status: 1 }, 1, "0000000400000001" + "03010000" + "00000001"],
    [{ type: "pong" }, 2, "0000000000000001" + "0e020000"],
    [
      { type: "im", flags: 16, ...said, content: "你" },
      1,
      "0000001b00000001" + "04011000" + "0000000000000001" + "001fffffffffffff" + "6553f100" +
      "ffffffff" + "e4bda0",
    ],
    [
      { type: "group_im", ...said, content: "x" },
      0,
      "0000001500000001" + "08000000" + "0000000000000001" + "001fffffffffffff" + "ffffffff78",
    ],
    [{ type: "ack", acknowledged: 7, status: 3 }, 1, "0000000400000001" + "05010000" + "00000007"],
    [
      { type: "ack", acknowledged: 7, status: 65 },
      2,
      "0000000500000001" + "05020000" + "0000000741",
    ],
    [
      { type: "metadata", key: 5, previousKey: 4 },
      1,
      "0000002000000001" + "25010000" + "0000000000000005" + "0000000000000004" + "00".repeat(16),
    ],
    [
      { type: "sync_group_notify", groupId: 9, key: 3 },
      1,
      "0000001000000001" + "21010000" + "0000000000000009" + "0000000000000003",
    ],
    [
      {
        type: "customer",
        senderApp: 7,
        sender: 1,
        receiverApp: 8,
        receiver: 2,
        timestamp: 1,
        content: "",
      },
      1,
      "0000002400000001" + "40010000" + "0000000000000007" + "0000000000000001" +
      "0000000000000008" + "0000000000000002" + "00000001",
    ],
  ];
  for (const [frame, version, hex] of cases) {
    assert.equal(hexOf(encodeFrame(frame, { seq: 1, version })), hex, frame.type);
  }
});

Deno.test("the client of the tests, written by itself, is understood", () => {
  const auth = frameBytes(Cmd.authToken, [[8, 2], ...shortText("token"), ...shortText("设备")]);
  assert.deepEqual(read(auth), [{
    type: "auth_token",
    seq: 1,
    version: 2,
    flags: 0,
    platform: 2,
    token: "token",
    deviceId: "设备",
  }]);
  const words = { sender: 3, receiver: 4, content: "\ufeffhi", msgLocalId: 5 };
  for (const version of [0, 1, 2]) {
    const [frame] = read(frameBytes(Cmd.im, saidParts(words, version), { version, seq: -1 }));
    assert.deepEqual(frame, {
      type: "im",
      seq: -1,
      version,
      flags: 0,
      ...words,
      ...version > 0 && { timestamp: 1_700_000_000 },
    });
  }
});

Deno.test("a message has whole frames, as many as it likes; strangers are passed over", () => {
  const ping = frameBytes(Cmd.ping, []);
  const strange = frameBytes(99, ["whatever"]);
  const notFromClients = frameBytes(Cmd.system, ["x"]);
  const glued = Uint8Array.from([...ping, ...strange, ...notFromClients, ...ping]);
  assert.deepEqual(read(glued).map(({ type }) => type), ["ping", "ping"]);
  for (let end = 1; end < ping.length; end++) {
    assert.throws(() => read(ping.subarray(0, end)), FrameError);
    const seen: string[] = [];
    assert.throws(() => {
      const bytes = glued.subarray(0, glued.length - end);
      for (const { type } of readFrames(bytes, { from: "client" })) seen.push(type);
    }, FrameError);
    assert.deepEqual(seen, ["ping"], "the good one in front still counts");
  }
});

Deno.test("limits are held, and bytes that are no text are told apart from broken frames", () => {
  const large = (count: number) => frameBytes(99, ["x".repeat(count)]);
  assert.deepEqual(read(large(BODY_BYTES_MAX)), []);
  assert.deepEqual(read(large(BODY_BYTES_MAX + 1)), []);
  assert.throws(() => read(new Uint8Array(CHUNK_BYTES_MAX + 1)), FrameError);
  const negative = frameBytes(Cmd.ping, []);
  negative[0] = 0x80;
  assert.throws(() => read(negative), FrameError);
  assert.throws(() => read(frameBytes(Cmd.ping, ["x"])), FrameError, "bytes behind");
  assert.throws(() => read(frameBytes(Cmd.sync, [[64, -1]])), FrameError, "an id below 0");
  assert.throws(() => read(frameBytes(Cmd.authToken, [[8, 1], [8, 200], "x"])), FrameError);
  const parts = saidParts({ sender: 1, receiver: 2, content: "" });
  const broken = frameBytes(Cmd.im, [...parts, [8, 0xff]]);
  const [frame] = read(broken) as Extract<GobelieveFrame, { type: "im" }>[];
  assert.equal(frame!.content, undefined);
  const content = "x".repeat(BODY_BYTES_MAX + 1);
  assert.throws(() => encodeFrame({ type: "system", content }, { seq: 1, version: 1 }), FrameError);
});

const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const id = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const content = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "\ufeff你好", "😀", "\0"),
);
const FIELDS: Record<string, fc.Arbitrary<unknown>> = {
  sender: id,
  receiver: id,
  senderApp: id,
  receiverApp: id,
  groupId: id,
  roomId: id,
  key: id,
  previousKey: id,
  timestamp: i32,
  msgLocalId: i32,
  acknowledged: i32,
  count: i32,
  platform: fc.nat(255),
  token: fc.string({ maxLength: 60 }),
  content,
  deviceId: fc.string({ maxLength: 60 }),
};
const types = Object.keys(COMMANDS) as GobelieveType[];

interface Sample {
  frame: GobelieveInput;
  seq: number;
  version: number;
}

const sample: fc.Arbitrary<Sample> = fc.record({
  type: fc.constantFrom(...types),
  flags: fc.nat(255),
  version: fc.nat(255),
  seq: i32,
}).chain(({ type, flags, version, seq }) => {
  const fields = LAYOUTS[type].filter(({ name, versionMin }) =>
    name !== "" && version >= versionMin
  );
  const values = fields.map(({ name }) => [
    name,
    name === "status" ? (type === "ack" ? fc.nat(255) : i32) : FIELDS[name]!,
  ]);
  return fc.record(Object.fromEntries(values)).map((body) => ({
    frame: { type, flags, ...body } as GobelieveInput,
    seq,
    version,
  }));
});

Deno.test("every frame of every version is read as it was written", () => {
  fc.assert(
    fc.property(sample, ({ frame, seq, version }) => {
      const from = SENT_BY.client.includes(frame.type) ? "client" : "server";
      const bytes = encodeFrame(frame, { seq, version });
      assert.deepEqual(read(bytes, from), [{ ...frame, seq, version }]);
    }),
    { numRuns: 2_000 },
  );
});

const FUZZ_ROUNDS = 100_000;

Deno.test("100,000 damaged messages end in frames or in a FrameError", () => {
  const seed = Number(Deno.env.get("FUZZ_SEED") ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`FUZZ_SEED=${seed}`);
  const random = mulberry32(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const samples = fc.sample(sample, { seed, numRuns: 600 })
    .filter(({ frame }) => SENT_BY.client.includes(frame.type))
    .map(({ frame, ...header }) => encodeFrame(frame, header));
  let refused = 0;
  let readCount = 0;
  for (let round = 0; round < FUZZ_ROUNDS; round++) {
    const glued = [0, 1].flatMap(() => [...samples[below(samples.length)]!]);
    const bytes = damage(glued, below);
    let frameCount = 0;
    try {
      for (const _ of readFrames(bytes, { from: "client" })) frameCount++;
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      refused++;
    }
    // Each takes a header at least, so there is an end.
    assert.ok(frameCount <= bytes.length / 12);
    readCount += frameCount;
  }
  // Were all refused, or none, the damage would be of the wrong strength to say anything.
  assert.ok(refused > FUZZ_ROUNDS / 10 && readCount > FUZZ_ROUNDS / 10, `${refused} ${readCount}`);
});

/** One to four bytes changed, put in, taken out, or the whole cut off. */
function damage(frame: number[], below: (bound: number) => number): Uint8Array {
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
