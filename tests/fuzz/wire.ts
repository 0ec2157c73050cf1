import { parseBoundedJson } from "../../config/runtime/bounded_json.ts";
import { accessSecretsOf } from "../../db/domain/sessions/access_secret.ts";
import { BODY_BYTES_MAX } from "../../routes/endpoint.ts";
import { readBasic } from "../../middleware/authorization.ts";
import { signatureOf } from "../../middleware/signature.ts";
import type { TestApp } from "../harness.ts";
import type { Captured } from "../rights/captured.ts";
import type { Change, Encoding } from "./changes.ts";
import { textOf } from "./strange.ts";

type Fields = Record<string, unknown>;

/** A call as it is sent, still readable. */
export interface WrittenCall {
  method: string;
  url: string;
  headers: [string, string][];
  body: Uint8Array<ArrayBuffer> | undefined;
}

const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";
const encoder = new TextEncoder();

/** A valid call with changes; one that is signed is signed again, as its rightful caller would. */
export function writeCall(
  app: TestApp,
  { call, path, isSigned }: { call: Captured; path: string; isSigned: boolean },
  changes: Change[],
): WrittenCall {
  const headers = new Headers(call.headers);
  const query = [...call.url.searchParams].filter(([name]) => !isSigned || !isProof(name));
  const isFields = call.headers.get("content-type")?.startsWith(JSON_TYPE) ?? false;
  let fields: unknown = isFields && call.body
    ? unsigned(JSON.parse(new TextDecoder().decode(call.body)), isSigned)
    : undefined;
  const params: Fields = { ...call.params };
  let encoding: Encoding | undefined;
  for (const change of changes) {
    switch (change.at) {
      case "path":
        params[change.name] = change;
        break;
      case "header":
        if (change.value === undefined) headers.delete(change.name);
        else headers.set(change.name, change.value);
        break;
      case "query":
        remove(query, change.name);
        if (change.value !== undefined) query.push([change.name, change.value]);
        break;
      case "again":
        query.push([change.name, change.value]);
        break;
      case "body":
        fields = changed(fields, change.path, change.value);
        break;
      case "encoding":
        encoding = change.as;
    }
  }
  const written = isFields || !call.body
    ? writeBody(fields, encoding, headers)
    : breakBytes(call.body, encoding, headers);
  const body = call.method === "GET" ? undefined : written;
  const pathname = path.replaceAll(/\{(\w+)\}/g, (_, name) => segmentOf(params[name]));
  const search = new URLSearchParams(query);
  if (isSigned) sign(app, { headers, search, body });
  const url = `http://plaza.test${pathname}${search.size > 0 ? `?${search}` : ""}`;
  return { method: call.method, url, headers: [...headers], body };
}

export function requestOf({ method, url, headers, body }: WrittenCall): Request {
  return new Request(url, { method, headers, ...body && { body } });
}

const isProof = (name: string) => name === "ts" || name === "sign";

function unsigned(fields: Fields, isSigned: boolean): Fields {
  return isSigned
    ? Object.fromEntries(Object.entries(fields).filter(([name]) => !isProof(name)))
    : fields;
}

function remove(query: [string, string][], name: string): void {
  for (let at = query.length - 1; at >= 0; at--) if (query[at]![0] === name) query.splice(at, 1);
}

/** A changed one is escaped already, or broken on purpose. */
function segmentOf(param: unknown): string {
  return typeof param === "object"
    ? (param as { value: string }).value
    : encodeURIComponent(`${param}`);
}

/** A copy with another value at a place, which is made if it is not there. */
function changed(value: unknown, path: string[], to: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return to;
  if (Array.isArray(value) || (value === undefined && name === "0")) {
    return [changed((value as unknown[])?.[0], rest, to), ...(value as unknown[] ?? []).slice(1)];
  }
  const inner = typeof value === "object" && value !== null ? value as Fields : {};
  const entries = new Map(Object.entries(inner));
  entries.set(name, changed(entries.get(name), rest, to));
  // Not an assignment, which a name like __proto__ would make something else of.
  return Object.fromEntries(entries);
}

function writeBody(
  fields: unknown,
  encoding: Encoding | undefined,
  headers: Headers,
): Uint8Array<ArrayBuffer> | undefined {
  if (fields === undefined && encoding === undefined) return undefined;
  const json = JSON.stringify(fields ?? {}) ?? "";
  const as = (type: string, text: string) => {
    headers.set("content-type", type);
    return encoder.encode(text);
  };
  switch (encoding) {
    case undefined:
      return as(JSON_TYPE, json);
    case "form":
      return as(FORM_TYPE, formOf(fields));
    case "broken-form":
      return as(FORM_TYPE, `${formOf(fields)}&a=%zz&%&&=&b=%ed%a0%80`);
    case "repeated":
      return as(JSON_TYPE, json.replace(/^\{("[^"]*":)/, "{$1null,$1"));
    case "top-level-list":
      return as(JSON_TYPE, `[${json}]`);
    case "top-level-null":
      return as(JSON_TYPE, "null");
    case "too-deep":
      return as(JSON_TYPE, json.replace(/^\{/, `{"a":${"[".repeat(9_000)}${"]".repeat(9_000)},`));
    case "too-many":
      return as(JSON_TYPE, JSON.stringify(Object.fromEntries(manyNames)));
    case "no-type":
      headers.delete("content-type");
      return encoder.encode(json);
    case "nothing":
      return undefined;
    default:
      return breakBytes(as(JSON_TYPE, json), encoding, headers);
  }
}

const manyNames = Array.from({ length: 1_001 }, (_, at) => [`n${at}`, at] as const);

function formOf(fields: unknown): string {
  const entries = Object.entries(Object(fields)).map(([name, value]) => [name, textOf(value)]);
  return `${new URLSearchParams(entries)}`;
}

/** What does not depend on what is in a body. */
function breakBytes(
  bytes: Uint8Array<ArrayBuffer>,
  encoding: Encoding | undefined,
  headers: Headers,
): Uint8Array<ArrayBuffer> | undefined {
  const type = (name: string) => headers.set("content-type", name);
  switch (encoding) {
    case "cut":
      return bytes.slice(0, bytes.length - 1 - Math.floor(bytes.length / 3));
    case "garbage":
      return Uint8Array.from(bytes, (byte, at) => byte ^ (at % 7 === 0 ? 0x80 : 0));
    case "byte-order-mark":
      return bytesOf([0xef, 0xbb, 0xbf], bytes);
    case "utf-16":
      type(`${JSON_TYPE}; charset=utf-16`);
      return Uint8Array.from([...bytes].flatMap((byte) => [byte, 0]));
    case "latin-1":
      return Uint8Array.from(bytes, (byte) => byte > 0x7f ? 0xe9 : byte);
    case "gbk":
      type(`${JSON_TYPE}; charset=gbk`);
      return bytes;
    case "other-charset":
      type(`${JSON_TYPE}; charset="UTF8"; x=y`);
      return bytes;
    case "text":
      type("text/plain");
      return bytes;
    case "xml":
      type("application/xml");
      return bytes;
    case "multipart":
      type("multipart/form-data; boundary=x");
      return bytes;
    case "vendor-json":
      type("application/vnd.plaza+json");
      return bytes;
    case "gzip":
      headers.set("content-encoding", "gzip");
      return bytes;
    case "too-large":
      return new Uint8Array(BODY_BYTES_MAX + 1).fill(0x20);
    case "nothing":
      return undefined;
    default:
      return bytes;
  }
}

function bytesOf(...parts: ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** In the query, where any body leaves room for it, over what the server will read in the body. */
function sign(
  { clock, config }: TestApp,
  { headers, search, body }: {
    headers: Headers;
    search: URLSearchParams;
    body: Uint8Array | undefined;
  },
): void {
  const credentials = readBasic(headers);
  const [secret] = credentials
    ? accessSecretsOf(config.keys, credentials.user, credentials.password)
    : [config.gatewayDefaultSecret];
  search.set("ts", `${clock.now().getTime()}`);
  const params = { ...Object.fromEntries(search), ...readBack(headers, body) };
  search.set("sign", signatureOf(params, secret!));
}

function readBack(headers: Headers, body: Uint8Array | undefined): Fields {
  const text = new TextDecoder().decode(body);
  if (headers.get("content-type") === FORM_TYPE) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  try {
    const value = parseBoundedJson(text);
    return typeof value === "object" && !Array.isArray(value) ? { ...value } : {};
  } catch {
    // The server will refuse it before it looks for a signature.
    return {};
  }
}
