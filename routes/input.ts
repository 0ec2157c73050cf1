import { DomainError } from "../db/domain/errors.ts";

/** What a call brought along, parsed but not believed. */
export interface RawInput {
  /** Path parameters. */
  params: Record<string, string>;
  query: URLSearchParams;
  /** A JSON value, the fields of a form, or undefined when there was no body. */
  body: unknown;
  /** Names that stand more than once among the parameters (a JSON object's keys included). */
  repeatedNames: string[];
}

/**
 * Reads query and body. A body is JSON (with or without a charset) or a URL-encoded form; that of an
 * endpoint which takes a file is left to its handler.
 *
 * @throws {DomainError} `request_too_large`, or `request_malformed` for anything else than that
 */
export async function readInput(
  request: Request,
  params: Record<string, string>,
  { bodyBytesMax, takesFile }: { bodyBytesMax: number; takesFile?: boolean },
): Promise<RawInput> {
  const query = new URL(request.url).searchParams;
  const text = takesFile ? "" : await readText(request, bodyBytesMax);
  // PostgreSQL keeps no NUL in a text; nobody types one.
  if (holdsNul(params) || holdsNul([...query]) || text.includes("\0")) throw unusable();
  if (text === "") return { params, query, body: undefined, repeatedNames: repeated(query) };

  const type = (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (type === "application/x-www-form-urlencoded") {
    const form = new URLSearchParams(text);
    if (holdsNul([...form])) throw unusable();
    return {
      params,
      query,
      body: Object.fromEntries(form),
      repeatedNames: [...repeated(query), ...repeated(form)],
    };
  }
  if (type !== "application/json" && !type.endsWith("+json")) {
    throw new DomainError("request_malformed", { message: `不支持的 Content-Type: ${type}` });
  }
  return {
    params,
    query,
    body: parseJson(text),
    repeatedNames: [...repeated(query), ...repeatedKeys(text)],
  };
}

function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DomainError("request_malformed", { message: "JSON 格式不正确", cause });
  }
  if (text.includes("\\u0000") && holdsNul(value)) throw unusable();
  return value;
}

const unusable = () => new DomainError("request_malformed", { message: "参数中有不可用的字符" });

function holdsNul(value: unknown): boolean {
  if (typeof value === "string") return value.includes("\0");
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, inner]) => key.includes("\0") || holdsNul(inner));
}

async function readText(request: Request, bytesMax: number): Promise<string> {
  if (!request.body) return "";
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) {
    throw new DomainError("request_too_large");
  }
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new DomainError("request_too_large");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function repeated(params: URLSearchParams): string[] {
  const names = [...params.keys()];
  return names.filter((name, at) => names.indexOf(name) !== at);
}

/**
 * Keys that stand twice in the top object of a JSON text. `JSON.parse` keeps the last and says
 * nothing, so two different texts would carry one signature.
 */
export function repeatedKeys(json: string): string[] {
  const seen = new Set<string>();
  const twice: string[] = [];
  let depth = 0;
  for (const [token, colon] of json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (colon !== undefined && depth === 1) {
      const key = JSON.parse(token.slice(0, token.length - colon.length));
      if (seen.has(key)) twice.push(key);
      seen.add(key);
    }
  }
  return twice;
}
