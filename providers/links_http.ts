import { lookup } from "node:dns/promises";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, isIPv4 } from "node:net";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { withDeadline } from "../config/runtime/deadline.ts";
import { Turns } from "../config/runtime/turns.ts";
import { isPublicAddress } from "./addresses.ts";
import { PageHead } from "./link_page.ts";
import type { LinkAnswer, LinkPreview, LinkReader } from "./links.ts";

/** How long one link may take, redirects and name lookups included, ms. */
const TIMEOUT_MS = 3_000;
const REDIRECT_COUNT_MAX = 3;
const PAGE_BYTES_MAX = 1024 * 1024;
const READING_COUNT_MAX = 32;
const PORTS = ["", "80", "443"];
const REDIRECTS = [301, 302, 303, 307, 308];

interface Target {
  address: string;
  port: number;
}

export interface HttpLinkReaderOptions {
  /** All addresses of a name; asked once for each page or redirect. */
  resolve?: (name: string) => Promise<string[]>;
  /**
   * Where a target that has passed every check is really found; the target itself unless a test,
   * which has no public address, says otherwise.
   */
  dial?: (target: Target) => Target;
  timeoutMs?: number;
}

/** A link nobody gets an answer for, however often they ask. */
class LinkRefusedError extends Error {}

/** What answered has nothing to show. */
class LinkUnreadableError extends Error {}

/**
 * Reads pages over HTTP for whoever asks, so it assumes the link wants to reach what only we can
 * reach: a name is resolved once, every address of it must be public, and the connection goes to
 * the address that was checked. The same holds for each redirect.
 */
export function httpLinkReader(options: HttpLinkReaderOptions = {}): LinkReader {
  const { resolve = resolveName, dial = (target) => target, timeoutMs = TIMEOUT_MS } = options;
  const turns = new Turns(READING_COUNT_MAX, { waitingMax: 0 });
  const read = async (link: string): Promise<LinkAnswer> => {
    const controller = new AbortController();
    const way = { resolve, dial, signal: controller.signal };
    try {
      const preview = await withDeadline("the page", timeoutMs, () => readPage(link, way));
      return { preview };
    } catch (error) {
      return { failure: failureOf(error), reason: (error as Error).message };
    } finally {
      controller.abort();
    }
  };
  return {
    async read(link) {
      if (turns.isFull) return { failure: "busy", reason: "too many at once" };
      return await turns.take(() => read(link));
    },
  };
}

function failureOf(error: unknown) {
  if (error instanceof LinkRefusedError) return "refused";
  return error instanceof LinkUnreadableError ? "unreadable" : "unreachable";
}

/** One for the process, since what it limits is the process's work. */
export const sharedLinkReader = httpLinkReader();

type Way = Required<Pick<HttpLinkReaderOptions, "resolve" | "dial">> & { signal: AbortSignal };

async function resolveName(name: string): Promise<string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

async function readPage(link: string, way: Way): Promise<LinkPreview> {
  let url = followable(link);
  for (let redirectCount = 0; redirectCount <= REDIRECT_COUNT_MAX; redirectCount++) {
    const response = await open(url, way);
    const next = redirectOf(response);
    if (next === undefined) return await readHead(response, url);
    response.destroy();
    url = followable(next, url);
  }
  throw new LinkUnreadableError("too many redirects");
}

/** @throws {LinkRefusedError} for what we follow for nobody, whatever its name resolves to */
function followable(link: string, base?: URL): URL {
  const url = URL.parse(link, base);
  if (!url) throw new LinkRefusedError("no address");
  if (!/^https?:$/.test(url.protocol)) throw new LinkRefusedError("another scheme");
  if (!PORTS.includes(url.port)) throw new LinkRefusedError("another port");
  if (url.username || url.password) throw new LinkRefusedError("credentials in the address");
  url.hash = "";
  return url;
}

/** The one address to connect to. A single address that is not public spoils the name. */
async function checkedAddress(name: string, resolve: Way["resolve"]): Promise<string> {
  const addresses = isIP(name) ? [name] : await resolve(name);
  if (addresses.length === 0) throw new Error("the name has no address");
  if (!addresses.every(isPublicAddress)) throw new LinkRefusedError("no public address");
  // Many hosts have no IPv6 way out; the other way round is rare.
  return addresses.find((address) => isIPv4(address)) ?? addresses[0]!;
}

/** The answer's head to a GET of `url`; its body is left to be read. */
async function open(url: URL, { resolve, dial, signal }: Way): Promise<IncomingMessage> {
  const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const isHttps = url.protocol === "https:";
  const address = await checkedAddress(name, resolve);
  // Time ran out while the name was being resolved.
  signal.throwIfAborted();
  const target = dial({ address, port: Number(url.port) || (isHttps ? 443 : 80) });
  const { promise: answered, resolve: answer, reject } = Promise.withResolvers<IncomingMessage>();
  const request = (isHttps ? requestHttps : requestHttp)({
    // An address is connected to without a lookup.
    host: isIP(name) ? target.address : name,
    port: target.port,
    path: url.pathname + url.search,
    lookup: (_name, _options, callback) =>
      callback(null, [{ address: target.address, family: isIPv4(target.address) ? 4 : 6 }]),
    // A kept connection would be reused by name, without a lookup: to an address nobody checked.
    agent: false,
    ...isHttps && !isIP(name) && { servername: name },
    headers: {
      "Host": url.host,
      "User-Agent": "Mozilla/5.0 (compatible; PlazaLinkPreview/1.0)",
      "Accept": "text/html",
      "Accept-Encoding": "identity",
      "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5",
    },
  }, answer);
  request.on("error", reject);
  signal.addEventListener("abort", () => request.destroy(), { once: true });
  request.end();
  return await answered;
}

function redirectOf({ statusCode, headers: { location } }: IncomingMessage): string | undefined {
  return REDIRECTS.includes(statusCode!) && location !== undefined ? textOf(location) : undefined;
}

/** A header is bytes, which Node shows one a character: UTF-8 if they are, else as they stand. */
function textOf(header: string): string {
  const bytes = Uint8Array.from(header, (character) => character.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return header.replace(
      /[\x80-\xff]/g,
      (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  }
}

async function readHead(response: IncomingMessage, url: URL): Promise<LinkPreview> {
  const { statusCode = 0, headers } = response;
  const [type, ...parameters] = (headers["content-type"] ?? "").split(";");
  try {
    if (statusCode < 200 || statusCode > 299) throw new Error(`HTTP ${statusCode}`);
    if (type!.trim().toLowerCase() !== "text/html") throw new LinkUnreadableError("no page");
    const head = new PageHead(url, charsetOf(parameters));
    let byteCount = 0;
    for await (const chunk of unpacked(response)) {
      head.write(chunk.subarray(0, PAGE_BYTES_MAX - byteCount));
      byteCount += chunk.length;
      if (head.isDone || byteCount >= PAGE_BYTES_MAX) break;
    }
    const preview = head.end();
    if (!preview) throw new LinkUnreadableError("a page without a title");
    return preview;
  } finally {
    response.destroy();
  }
}

/**
 * The bytes of the page itself. Some servers pack though nobody asked them to; unpacked it may be a
 * thousand times its size, which is for the reader to count.
 */
function unpacked(response: IncomingMessage): AsyncIterable<Uint8Array> {
  const encoding = response.headers["content-encoding"]?.trim().toLowerCase() ?? "";
  if (encoding === "" || encoding === "identity") return response;
  if (encoding !== "gzip" && encoding !== "x-gzip") {
    throw new LinkUnreadableError("an encoded page");
  }
  // Whichever of the two ends wrongly ends the other; the one that reads is told.
  return pipeline(response, createGunzip(), () => {});
}

function charsetOf(parameters: string[]): string | undefined {
  return parameters.map((parameter) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/i.exec(parameter)?.[1])
    .find((charset) => charset !== undefined);
}
