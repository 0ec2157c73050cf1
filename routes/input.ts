import { parseExactBoundedJson } from "../config/runtime/bounded_json.ts";
import { DomainError } from "../db/domain/errors.ts";
import { readWholeBody } from "./body.ts";
import { urlOf } from "./url.ts";

/** Most parameters of one call: names of the query, and of the form or the top JSON object. */
const PARAMS_COUNT_MAX = 1_000;

/** What a call brought along, parsed but not believed. */
export interface RawInput {
  params: Record<string, string>;
  /** Of a name that stands more than once, the last. */
  query: Record<string, string>;
  /** A JSON value, the fields of a form, or undefined when there was no body. */
  body: unknown;
  /** Whether the body is JSON, in which what is empty was meant so. */
  isJson: boolean;
  /** Names that stand more than once among the parameters (a JSON object's keys included). */
  repeatedNames: string[];
}

/**
 * Reads query and body: what every call brings before anybody is asked who it is, so all of it
 * takes time in proportion to its size, and none of it more than a body's. A body is JSON, by its
 * type or its first character, or a URL-encoded form, in UTF-8; that of an endpoint which takes a
 * file is left to its handler. Texts come out well-formed.
 *
 * @throws {DomainError} `request_too_large`, `request_timeout`, or `request_malformed` for anything
 *   else than that
 * @throws {CallerGoneError}
 */
export async function readInput(
  request: Request,
  params: Record<string, string>,
  { bodyBytesMax, takesFile }: { bodyBytesMax: number; takesFile?: boolean },
): Promise<RawInput> {
  const { search, searchParams } = urlOf(request)!;
  const names = new Names();
  checkParts(search);
  checkEscapes(search);
  // PostgreSQL keeps no NUL in a text; nobody types one, and an address holds it as an escape.
  if (request.url.includes("%00") && (holdsNul(params) || [...searchParams].some(holdsNul))) {
    throw unusable();
  }
  const query = search === "" ? {} : names.fieldsOf(searchParams);

  const text = takesFile ? "" : await readText(request, bodyBytesMax);
  const given = { params, query, isJson: false, repeatedNames: names.repeated };
  if (text === "") return { ...given, body: undefined };
  const type = mediaType(request.headers);
  // Many clients send JSON and leave the header as their library has it.
  const isJson = /^\s*[[{]/.test(text) || type === "application/json" || type.endsWith("+json");
  if (!isJson && type === "application/x-www-form-urlencoded") {
    checkParts(text);
    checkEscapes(text);
    const form = new URLSearchParams(text);
    const body = names.fieldsOf(form);
    if (/\0|%00/.test(text) && [...form].some(holdsNul)) throw unusable();
    return { ...given, body };
  }
  if (!isJson) throw malformed(`不支持的 Content-Type: ${type}`);
  const body = parseJson(text);
  names.add(topKeys(text));
  return { ...given, isJson, body };
}

/** Names of parameters as they come in, counted at once and never compared with each other. */
class Names {
  readonly #seen = new Set<string>();
  readonly repeated: string[] = [];
  #count = 0;

  /** @throws {DomainError} `request_malformed` */
  add(names: Iterable<string>): void {
    for (const name of names) this.#addOne(name);
  }

  /** Counts the names and makes an object of the values. */
  fieldsOf(params: URLSearchParams): Record<string, string> {
    const entries = [...params];
    for (const [name] of entries) this.#addOne(name);
    return Object.fromEntries(entries);
  }

  #addOne(name: string): void {
    if (++this.#count > PARAMS_COUNT_MAX) throw tooMany();
    if (this.#seen.has(name)) this.repeated.push(name);
    this.#seen.add(name);
  }
}

const malformed = (message: string, cause?: unknown) =>
  new DomainError("request_malformed", { message, cause });
const tooMany = () => malformed(`参数不能超过${PARAMS_COUNT_MAX}个`);
const unusable = () => malformed("参数中有不可用的字符");
const wrongEncoding = (cause?: unknown) => malformed("编码不正确，应为 UTF-8", cause);

/** @throws {DomainError} `request_malformed` for a charset we do not read */
function mediaType(headers: Headers): string {
  const [type = "", ...parameters] = (headers.get("content-type") ?? "").toLowerCase().split(";");
  for (const parameter of parameters) {
    const [, charset] = /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(parameter) ?? [];
    if (charset !== undefined && !/^(utf-?8|us-ascii)$/.test(charset)) throw wrongEncoding();
  }
  return type.trim();
}

/** What has too many parts is not taken apart, which would take tenths of a second. */
function checkParts(encoded: string): void {
  let count = 0;
  for (let at = 0; (at = encoded.indexOf("&", at)) >= 0; at++) {
    if (++count > PARAMS_COUNT_MAX) throw tooMany();
  }
}

/** `URLSearchParams` makes a question mark of every escape that is no UTF-8, without a word. */
function checkEscapes(encoded: string): void {
  if (!encoded.includes("%")) return;
  for (const [escapes] of encoded.matchAll(/(?:%[0-9a-f]{2})+/gi)) {
    try {
      decodeURIComponent(escapes);
    } catch (cause) {
      throw wrongEncoding(cause);
    }
  }
}

async function readText(request: Request, bytesMax: number): Promise<string> {
  if (!request.body) return "";
  const bytes = await readWholeBody(request, { bytesMax });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw wrongEncoding(error);
  }
}

/**
 * JSON that others sent: not too deep, without NUL, its texts well-formed.
 *
 * @throws {DomainError} `request_malformed`
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = parseExactBoundedJson(text);
  } catch (cause) {
    throw malformed("JSON 格式不正确", cause);
  }
  if (/\0|\\u0000/.test(text) && holdsNul(value)) throw unusable();
  // Only an escape can stand for half a character: the text itself was UTF-8.
  return /\\u[dD][89a-fA-F]/.test(text) ? wellFormed(value) : value;
}

function holdsNul(value: unknown): boolean {
  if (typeof value === "string") return value.includes("\0");
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, inner]) => key.includes("\0") || holdsNul(inner));
}

function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(wellFormed);
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, it]) => [key.toWellFormed(), wellFormed(it)]));
}

/**
 * Keys of the top object of a text that is JSON, each as often as it stands there: `JSON.parse` keeps the
 * last and says nothing, so two different texts would carry one signature.
 */
export function* topKeys(json: string): Generator<string> {
  let depth = 0;
  for (const [token, colon] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (colon !== undefined && depth === 1) {
      yield JSON.parse(token.slice(0, token.length - colon.length));
    }
  }
}
