import fc from "fast-check";
import assert from "node:assert/strict";
import {
  encodeRpcConnected,
  encodeRpcDisconnect,
  encodeRpcDone,
  encodeRpcError,
  encodeRpcRecv,
  encodeRpcSent,
  parseRpc,
  RpcErrorCode,
  TEXT_CHARS_MAX,
} from "../../../routes/realtime/json_rpc/frames.ts";
import { JsonRpcCodec } from "../../../routes/realtime/json_rpc/session.ts";
import { Setting } from "../../../routes/realtime/wukong/frames.ts";

const noFlags = { noPersist: false, redDot: false, syncOnce: false, dup: false };
const payload = '{"type":1,"content":"你好"}';
const payloadBytes = new TextEncoder().encode(payload);
const payloadBase64 = "eyJ0eXBlIjoxLCJjb250ZW50Ijoi5L2g5aW9In0=";

const send = { clientMsgNo: "m1", channelId: "bob", channelType: 1, payload: payloadBase64 };
const sendRequest = {
  type: "send",
  flags: noFlags,
  setting: 0,
  clientMsgNo: "m1",
  channelId: "bob",
  channelType: 1,
  payload: payloadBytes,
};

/** Reads a call that must be accepted. */
function accepted(call: unknown) {
  const parsed = parseRpc(JSON.stringify(call));
  assert.ok(parsed.ok, Deno.inspect(parsed));
  const { id, request } = parsed;
  return { id, request };
}

Deno.test("connect", () => {
  const params = { uid: "alice", token: "tok", deviceFlag: 1 };
  assert.deepEqual(accepted({ method: "connect", id: "c1", params }), {
    id: "c1",
    request: { type: "connect", ...params, deviceId: "" },
  });
  const more = { ...params, deviceId: "d", clientTimestamp: 1_700_000_000_000, version: 4 };
  assert.deepEqual(
    accepted({ jsonrpc: "2.0", method: "connect", id: 1, params: { ...more, clientKey: "k" } }),
    { id: 1, request: { type: "connect", ...more, clientTimestamp: 1_700_000_000_000n } },
  );
});

Deno.test("send decodes its payload, and its flags default to off", () => {
  assert.deepEqual(accepted({ method: "send", id: "s1", params: send }), {
    id: "s1",
    request: sendRequest,
  });
});

Deno.test("send carries header, setting, topic and expire; the topic sets its own bit", () => {
  const options = {
    header: { redDot: true, dup: true },
    setting: { receipt: true, signal: true, stream: true },
    topic: "t",
    expire: 60,
  };
  assert.deepEqual(
    accepted({ method: "send", id: "s1", params: { ...send, ...options } }).request,
    {
      ...sendRequest,
      flags: { ...noFlags, redDot: true, dup: true },
      setting: Setting.receipt | Setting.signal | Setting.topic,
      topic: "t",
      expire: 60,
    },
  );
  const claimed = { ...send, setting: { topic: true } };
  assert.deepEqual(accepted({ method: "send", id: "s1", params: claimed }).request, sendRequest);
});

Deno.test("recvack takes the id as text or number, and needs no id of its own", () => {
  const request = { type: "recvack", flags: noFlags, messageId: 1001, messageSeq: 7 };
  for (const messageId of ["1001", 1001]) {
    const call = { method: "recvack", params: { messageId, messageSeq: 7 } };
    assert.deepEqual(accepted(call), { id: undefined, request });
  }
});

Deno.test("ping takes any params; disconnect takes none", () => {
  for (const params of [undefined, null, {}, []]) {
    assert.deepEqual(accepted({ method: "ping", id: "p1", params }), {
      id: "p1",
      request: { type: "ping" },
    });
  }
  assert.deepEqual(accepted({ method: "disconnect" }), {
    id: undefined,
    request: { type: "disconnect", reasonCode: 0, reason: "" },
  });
  const bye = { reasonCode: 1, reason: "bye" };
  assert.deepEqual(accepted({ method: "disconnect", params: bye }).request, {
    type: "disconnect",
    ...bye,
  });
});

const { payload_too_large, text_malformed, request_invalid, method_unknown, params_invalid } =
  RpcErrorCode;
const json = JSON.stringify;
const sendWith = (fields: object) =>
  json({ method: "send", id: "s", params: { ...send, ...fields } });
const ackWith = (messageId: unknown) =>
  json({ method: "recvack", id: "r", params: { messageId, messageSeq: 1 } });

/** Text, code, and the id of the answer; undefined where there is none. */
const refused: [
  name: string,
  text: string,
  code: number,
  id: string | number | null | undefined,
][] = [
  ["no text", "", text_malformed, null],
  ["half a text", '{"method":"ping","id":"p"', text_malformed, null],
  ["a bare word", "ping", text_malformed, null],
  [
    "too long a text",
    json({ method: "ping", id: "p", params: "x".repeat(TEXT_CHARS_MAX) }),
    payload_too_large,
    "p",
  ],
  ["a number", "1", request_invalid, null],
  ["null", "null", request_invalid, null],
  ["a batch", json([{ method: "ping", id: "p" }]), request_invalid, null],
  ["no method", json({ id: "p" }), request_invalid, "p"],
  ["a method that is no text", json({ method: 1, id: 2 }), request_invalid, 2],
  ["an answer", json({ id: "p", result: {} }), request_invalid, "p"],
  ["another protocol version", json({ jsonrpc: "1.0", method: "ping", id: 1 }), request_invalid, 1],
  ["an id that is an object", json({ method: "ping", id: {} }), request_invalid, null],
  ["a ping without an id", json({ method: "ping" }), request_invalid, null],
  ["a send without an id", json({ method: "send", params: send }), request_invalid, null],
  ["an unknown method", json({ method: "subscribe", id: "x" }), method_unknown, "x"],
  ["a method every object has", json({ method: "constructor", id: "x" }), method_unknown, "x"],
  ["an unknown notification", json({ method: "typing" }), method_unknown, undefined],
  ["a connect without params", json({ method: "connect", id: "c" }), params_invalid, "c"],
  ["params in a row", json({ method: "send", id: "s", params: ["bob"] }), params_invalid, "s"],
  ["a payload that is not base64", sendWith({ payload: "{}" }), params_invalid, "s"],
  ["a payload that is an object", sendWith({ payload: { type: 1 } }), params_invalid, "s"],
  ["a channel type above a byte", sendWith({ channelType: 256 }), params_invalid, "s"],
  ["a channel id too long", sendWith({ channelId: "x".repeat(1025) }), params_invalid, "s"],
  ["a flag that is a number", sendWith({ header: { redDot: 1 } }), params_invalid, "s"],
  ["a message id above 2^53", ackWith("9007199254740993"), params_invalid, "r"],
  ["a message id with a sign", ackWith("-1"), params_invalid, "r"],
  ["a broken message id", ackWith(0.5), params_invalid, "r"],
  ["a recvack notification without params", json({ method: "recvack" }), params_invalid, undefined],
];

for (const [name, text, code, id] of refused) {
  Deno.test(`refused: ${name}`, () => {
    const parsed = parseRpc(text);
    assert.ok(!parsed.ok);
    assert.equal(parsed.code, code);
    if (id === undefined) return assert.equal(parsed.answer, undefined);
    const { message } = parsed;
    assert.deepEqual(JSON.parse(parsed.answer!), { jsonrpc: "2.0", id, error: { code, message } });
  });
}

Deno.test("no text and no JSON value makes the reader throw", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
    assert.equal(parseRpc(text).ok, false);
  }));
  const names = fc.constantFrom("connect", "send", "recvack", "ping", "disconnect", "other");
  const call = fc.record({ method: names, id: fc.jsonValue(), params: fc.jsonValue() });
  fc.assert(fc.property(call, (value) => {
    assert.equal(typeof parseRpc(json(value)).ok, "boolean");
  }));
  assert.equal(parseRpc("[".repeat(TEXT_CHARS_MAX)).ok, false);
});

Deno.test("answers carry the id in the type it came in", () => {
  assert.deepEqual(
    JSON.parse(encodeRpcConnected("c1", { timeDiff: -5n, serverVersion: 5, nodeId: 1n })),
    {
      jsonrpc: "2.0",
      id: "c1",
      result: { serverKey: "", salt: "", timeDiff: -5, reasonCode: 1, serverVersion: 5, nodeId: 1 },
    },
  );
  assert.deepEqual(JSON.parse(encodeRpcConnected(1, { timeDiff: 0n })).id, 1);
  assert.deepEqual(
    JSON.parse(encodeRpcSent(7, { messageId: 2 ** 53 - 1, messageSeq: 3, reasonCode: 1 })),
    {
      jsonrpc: "2.0",
      id: 7,
      result: { messageId: "9007199254740991", messageSeq: 3, reasonCode: 1 },
    },
  );
  assert.deepEqual(JSON.parse(encodeRpcDone("p1")), { jsonrpc: "2.0", id: "p1", result: {} });
  assert.deepEqual(JSON.parse(encodeRpcError("c1", { code: 2 })), {
    jsonrpc: "2.0",
    id: "c1",
    error: { code: 2, message: "auth_failed" },
  });
});

Deno.test("notifications have no id", () => {
  const message = {
    messageSeq: 7,
    timestamp: 1_700_000_000,
    channelId: "alice",
    channelType: 1,
    fromUid: "alice",
    clientMsgNo: "m1",
  };
  const recv = encodeRpcRecv({
    ...message,
    flags: { redDot: true },
    setting: Setting.receipt,
    messageId: 1001,
    payload: payloadBytes,
  });
  assert.deepEqual(JSON.parse(recv), {
    jsonrpc: "2.0",
    method: "recv",
    params: {
      ...message,
      header: { ...noFlags, redDot: true },
      setting: { receipt: true, signal: false, topic: false },
      messageId: "1001",
      payload: payloadBase64,
    },
  });
  assert.deepEqual(JSON.parse(encodeRpcDisconnect({ reasonCode: 12, reason: "kicked" })), {
    jsonrpc: "2.0",
    method: "disconnect",
    params: { reasonCode: 12, reason: "kicked" },
  });
});

Deno.test("a recvack as most clients write it is read as its schema reads it", () => {
  const id = fc.oneof(
    fc.nat().map(String),
    fc.constantFrom("", "0", "007", "1x", "-1", "9007199254740993", 1001, null, undefined),
  );
  const seq = fc.oneof(fc.nat(), fc.constantFrom(0xffff_ffff, 2 ** 32, -1, 1.5, "7", undefined));
  const over = fc.constantFrom({}, { jsonrpc: "2.0" }, { jsonrpc: "1.0" }, { id: 5 }, { id: null });
  fc.assert(fc.property(id, seq, over, (messageId, messageSeq, over) => {
    const plain = { method: "recvack", params: { messageId, messageSeq }, ...over };
    // With a header, which changes nothing here, every text takes the long way.
    const long = { ...plain, params: { header: {}, ...plain.params } };
    assert.deepEqual(parseRpc(JSON.stringify(plain)), parseRpc(JSON.stringify(long)));
  }));
});

Deno.test("messages go out as they are, whichever went out before", () => {
  const codec = new JsonRpcCodec();
  const first = {
    messageId: 1,
    seq: 1,
    fromUid: "anna",
    channelType: 2,
    channelNo: "g",
    clientMsgNo: "n",
    payload: '{"type":1}',
    redDot: true,
    syncOnce: false,
    atMs: 5_000,
  };
  const changes = [
    { seq: 2 },
    { seq: 0 },
    { messageId: 2 },
    { fromUid: "ben" },
    { channelType: 1 },
    { channelNo: "h" },
    { clientMsgNo: "m" },
    { payload: '{"type":2}' },
    { redDot: false },
    { syncOnce: true },
    { atMs: 9_000 },
  ];
  const expected = (message: typeof first) => ({
    header: {
      noPersist: message.seq === 0,
      redDot: message.redDot,
      syncOnce: message.syncOnce,
      dup: false,
    },
    setting: { receipt: false, signal: false, topic: false },
    messageId: String(message.messageId),
    messageSeq: message.seq,
    timestamp: message.atMs / 1000,
    channelId: message.channelNo,
    channelType: message.channelType,
    fromUid: message.fromUid,
    clientMsgNo: message.clientMsgNo,
    payload: btoa(message.payload),
  });
  for (const change of changes) {
    for (const message of [first, { ...first, ...change }]) {
      const { method, params } = JSON.parse(codec.recv(message) as string);
      assert.deepEqual({ method, params }, { method: "recv", params: expected(message) });
    }
  }
});
