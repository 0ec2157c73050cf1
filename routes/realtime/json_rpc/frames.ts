import { z } from "zod";
import { parseBoundedJson } from "../../../config/runtime/bounded_json.ts";
import { Reason, reasonName } from "../reasons.ts";
import {
  type ConnackFrame,
  type ConnectFrame,
  type DisconnectFrame,
  type Flags,
  type PingFrame,
  type RecvackFrame,
  type RecvFrame,
  type SendackFrame,
  type SendFrame,
  Setting,
} from "../wukong/frames.ts";

/** Of longer texts nothing but the id is read; as much as a binary frame's body may have. */
export const TEXT_CHARS_MAX = 64 * 1024;
const STRING_CHARS_MAX = 1024;

/** Answers carry the id of their request back, in the type it came in. */
export type RpcId = string | number;

/**
 * What a client may ask for. Each is a binary frame without its fields for encryption, so that a
 * session treats both alike; here the payload is in the clear.
 */
export type RpcRequest =
  | (
    & Pick<ConnectFrame, "type" | "uid" | "token" | "deviceId" | "deviceFlag">
    & Partial<Pick<ConnectFrame, "clientTimestamp" | "version">>
  )
  | Pick<
    SendFrame,
    | "type"
    | "flags"
    | "setting"
    | "clientMsgNo"
    | "channelId"
    | "channelType"
    | "expire"
    | "topic"
    | "payload"
  >
  | Pick<RecvackFrame, "type" | "flags" | "messageId" | "messageSeq">
  | Pick<PingFrame, "type">
  | Pick<DisconnectFrame, "type" | "reasonCode" | "reason">;

/** The codes JSON-RPC 2.0 reserves, and what any protocol answers to what is too large. */
export const RpcErrorCode = {
  payload_too_large: Reason.payload_invalid,
  text_malformed: -32700,
  request_invalid: -32600,
  method_unknown: -32601,
  params_invalid: -32602,
} as const;

/** A text that is no request of ours. */
export interface RpcFailure {
  ok: false;
  code: (typeof RpcErrorCode)[keyof typeof RpcErrorCode];
  message: string;
  /** What to send back; undefined for notifications, which are never answered. */
  answer: string | undefined;
}

export type RpcParsed = { ok: true; id: RpcId | undefined; request: RpcRequest } | RpcFailure;

const Text = z.string().max(STRING_CHARS_MAX);
const Byte = z.int().min(0).max(0xff);
const Uint32 = z.int().min(0).max(0xffff_ffff);
const Flag = z.boolean().default(false);

const Header = z.object({ noPersist: Flag, redDot: Flag, syncOnce: Flag, dup: Flag })
  .prefault({});

/** Streams are not taken in any protocol, so their flag is not read. */
const SettingFlags = z.object({ receipt: Flag, signal: Flag, topic: Flag }).prefault({})
  .transform(({ receipt, signal, topic }) =>
    (receipt ? Setting.receipt : 0) | (signal ? Setting.signal : 0) | (topic ? Setting.topic : 0)
  );

/** A decimal text, as JavaScript clients may not hold 64 bits; ours fit into a number. */
const MessageId = z.union([z.string().regex(/^\d{1,16}$/).transform(Number), z.number()])
  .pipe(z.int().min(0));

const Base64 = z.base64().transform((text) => Uint8Array.from(Buffer.from(text, "base64")));

const paramsOf = {
  connect: z.object({
    uid: Text,
    token: Text,
    deviceId: Text.default(""),
    deviceFlag: Byte,
    clientTimestamp: z.int().transform(BigInt).optional(),
    version: Byte.optional(),
  }),
  send: z.object({
    header: Header,
    setting: SettingFlags,
    clientMsgNo: Text.default(""),
    channelId: Text,
    channelType: Byte,
    expire: Uint32.optional(),
    topic: Text.optional(),
    payload: Base64,
  }).transform(({ header, setting, ...params }) => ({
    flags: header,
    // The bit says whether there is a topic; clients forget it.
    setting: params.topic === undefined ? setting & ~Setting.topic : setting | Setting.topic,
    ...params,
  })),
  recvack: z.object({ header: Header, messageId: MessageId, messageSeq: Uint32 })
    .transform(({ header, ...params }) => ({ flags: header, ...params })),
  ping: z.unknown().transform(() => ({})),
  disconnect: z.object({ reasonCode: Byte.default(Reason.unknown), reason: Text.default("") })
    .prefault({}),
};

type Method = keyof typeof paramsOf;
/** Their sender waits for the answer, so there has to be an id to answer to. */
const NEED_ID: readonly Method[] = ["connect", "send", "ping"];

const Envelope = z.object({
  jsonrpc: z.literal("2.0").optional(),
  method: z.string(),
  id: z.union([Text, z.number()]).optional(),
  params: z.unknown().optional(),
});

/** Reads one text message of a client. Never throws; batches are not taken. */
export function parseRpc(text: string): RpcParsed {
  let value: unknown;
  try {
    value = parseBoundedJson(text);
  } catch {
    return failure("text_malformed", null, "not JSON");
  }
  if (text.length > TEXT_CHARS_MAX) {
    return failure("payload_too_large", idOf(value) ?? null, "payload too large");
  }
  const recvack = plainRecvackIn(value);
  if (recvack) return { ok: true, id: undefined, request: recvack };
  const envelope = Envelope.safeParse(value);
  if (!envelope.success) {
    return failure("request_invalid", idOf(value) ?? null, explain(envelope.error));
  }
  const { method, id, params } = envelope.data;
  if (!isMethod(method)) return failure("method_unknown", id, "no such method");
  if (id === undefined && NEED_ID.includes(method)) {
    return failure("request_invalid", null, `${method} needs an id`);
  }
  const parsed = paramsOf[method].safeParse(params);
  if (!parsed.success) return failure("params_invalid", id, explain(parsed.error));
  return { ok: true, id, request: { type: method, ...parsed.data } as RpcRequest };
}

const UINT32_MAX = 0xffff_ffff;
const NO_FLAGS: Flags = { noPersist: false, redDot: false, syncOnce: false, dup: false };

/**
 * What clients say most, once for each message they get, as most of them write it: read without its
 * schema, which takes ten times as long.
 */
function plainRecvackIn(value: unknown): RpcRequest | undefined {
  const { method, id, jsonrpc, params } = Object(value);
  if (method !== "recvack" || id !== undefined) return undefined;
  if (jsonrpc !== undefined && jsonrpc !== "2.0") return undefined;
  const { header, messageId, messageSeq } = Object(params);
  const isPlain = header === undefined && typeof messageId === "string" &&
    /^\d{1,15}$/.test(messageId) && Number.isInteger(messageSeq) && messageSeq >= 0 &&
    messageSeq <= UINT32_MAX;
  if (!isPlain) return undefined;
  return { type: "recvack", flags: { ...NO_FLAGS }, messageId: Number(messageId), messageSeq };
}

function isMethod(method: string): method is Method {
  return Object.hasOwn(paramsOf, method);
}

/** The id of something that is not a request otherwise. */
function idOf(value: unknown): RpcId | undefined {
  return Envelope.pick({ id: true }).safeParse(value).data?.id;
}

function explain(error: z.ZodError): string {
  const issue = error.issues[0]!;
  return [...issue.path.map(String), issue.message].join(": ");
}

/** `id` is null where none could be read, undefined where nobody wants an answer. */
function failure(
  name: keyof typeof RpcErrorCode,
  id: RpcId | null | undefined,
  message: string,
): RpcFailure {
  const code = RpcErrorCode[name];
  const answer = id === undefined ? undefined : encodeRpcError(id, { code, message });
  return { ok: false, code, message, answer };
}

/** A refusal: the EasySDK takes every `result` for success, whatever its reason code. */
export function encodeRpcError(
  id: RpcId | null,
  { code, message }: { code: number; message?: string },
): string {
  return encode({ id, error: { code, message: message ?? reasonName(code) } });
}

/** Says yes to `connect`. There is no encryption here, hence neither key nor salt. */
export function encodeRpcConnected(
  id: RpcId,
  { timeDiff, serverVersion, nodeId = 0n }: Pick<
    ConnackFrame,
    "timeDiff" | "serverVersion" | "nodeId"
  >,
): string {
  const result = {
    serverKey: "",
    salt: "",
    timeDiff: Number(timeDiff),
    reasonCode: Reason.success,
    serverVersion,
    nodeId: Number(nodeId),
  };
  return encode({ id, result });
}

/** Says yes to `send`. */
export function encodeRpcSent(
  id: RpcId,
  { messageId, messageSeq, reasonCode }: Pick<
    SendackFrame,
    "messageId" | "messageSeq" | "reasonCode"
  >,
): string {
  return encode({ id, result: { messageId: String(messageId), messageSeq, reasonCode } });
}

/** Says yes to `ping`, or to whatever else has nothing to tell. */
export function encodeRpcDone(id: RpcId): string {
  return encode({ id, result: {} });
}

type RpcRecv = Omit<RecvFrame, "type" | "flags" | "msgKey"> & { flags?: Partial<Flags> };

/** A message as a notification; `payload` is in the clear here. */
export function encodeRpcRecv({ messageSeq, ...message }: RpcRecv): string {
  return numberRpcRecv(encodeRpcRecvWithoutSeq(message), messageSeq);
}

/** {@link encodeRpcRecv} without what differs between those who receive it. */
export function encodeRpcRecvWithoutSeq(
  { flags, setting, messageId, payload, ...fields }: Omit<RpcRecv, "messageSeq">,
): string {
  const { timestamp, channelId, channelType, fromUid, clientMsgNo, topic, expire } = fields;
  const has = (bit: number) => (setting & bit) !== 0;
  const params = {
    header: { ...NO_FLAGS, ...flags },
    setting: {
      receipt: has(Setting.receipt),
      signal: has(Setting.signal),
      topic: has(Setting.topic),
    },
    messageId: String(messageId),
    timestamp,
    channelId,
    channelType,
    fromUid,
    clientMsgNo,
    topic,
    expire,
    payload: Buffer.from(payload).toString("base64"),
  };
  return encode({ method: "recv", params });
}

/** Puts the number into a text of {@link encodeRpcRecvWithoutSeq}, behind the last parameter. */
export function numberRpcRecv(withoutSeq: string, messageSeq: number): string {
  return `${withoutSeq.slice(0, -2)},"messageSeq":${messageSeq}}}`;
}

/** Tells the client that the connection ends and that it should stay away. */
export function encodeRpcDisconnect(
  { reasonCode, reason }: Pick<DisconnectFrame, "reasonCode" | "reason">,
): string {
  return encode({ method: "disconnect", params: { reasonCode, reason } });
}

function encode(message: Record<string, unknown>): string {
  return JSON.stringify({ jsonrpc: "2.0", ...message });
}
