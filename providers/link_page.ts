import { Parser } from "htmlparser2";
import type { LinkPreview } from "./links.ts";

const TITLE_LENGTH_MAX = 200;
const DESCRIPTION_LENGTH_MAX = 500;
const ADDRESS_LENGTH_MAX = 2_048;
/** How much raw text of a title is kept before it is tidied, UTF-16 units. */
const RAW_LENGTH_MAX = 4_000;
/** The meta tags looked at; of several with one name the first that says something counts. */
const TITLES = ["og:title", "twitter:title"];
const DESCRIPTIONS = ["og:description", "description", "twitter:description"];
const IMAGES = ["og:image", "og:image:url", "og:image:secure_url", "twitter:image"];
const ADDRESS = "og:url";
const META_NAMES = new Set([...TITLES, ...DESCRIPTIONS, ...IMAGES, ADDRESS]);

/**
 * The head of one page, taken in as it arrives; nothing behind `</head>` is looked at. Where it may
 * name its charset anywhere, it is read twice: as bytes to find its end and the charset, then as text.
 */
export class PageHead {
  readonly #url: URL;
  readonly #named: string | undefined;
  readonly #bytes: Uint8Array[] = [];
  #byteCount = 0;
  #outline: Outline | undefined;

  constructor(url: URL, charset: string | undefined) {
    this.#url = url;
    this.#named = charset;
  }

  get isDone(): boolean {
    return this.#outline?.isDone ?? false;
  }

  write(bytes: Uint8Array): void {
    this.#bytes.push(bytes);
    this.#byteCount += bytes.length;
    if (this.#outline) return this.#outline.write(bytes);
    // Until then it cannot be known whether there is a byte order mark.
    if (this.#byteCount >= BYTE_ORDER_MARK_BYTES_MAX) this.#startOutline();
  }

  /** @returns undefined for a page without a title: there would be nothing to show */
  end(): LinkPreview | undefined {
    if (!this.#outline) this.#startOutline();
    const { charset, byteCount } = this.#outline!;
    const page = this.#whole().subarray(0, byteCount ?? this.#byteCount);
    const head = new HeadText();
    head.write(decode(page, this.#sureCharset() ?? charset));
    return head.previewOf(this.#url);
  }

  #startOutline(): void {
    this.#outline = new Outline(this.#sureCharset());
    this.#outline.write(this.#whole());
  }

  #sureCharset(): string | undefined {
    return markedCharset(this.#whole()) ?? (isCharset(this.#named) ? this.#named : undefined);
  }

  #whole(): Uint8Array {
    if (this.#bytes.length > 1) {
      const whole = new Uint8Array(this.#byteCount);
      let at = 0;
      for (const bytes of this.#bytes) {
        whole.set(bytes, at);
        at += bytes.length;
      }
      this.#bytes.splice(0, this.#bytes.length, whole);
    }
    return this.#bytes[0] ?? new Uint8Array();
  }
}

const BYTE_ORDER_MARK_BYTES_MAX = 3;

/** Where a head ends, and the charset its meta tags name. */
class Outline {
  readonly #decoder: TextDecoder;
  readonly #parser: Parser;
  readonly #countsBytes: boolean;
  charset: string | undefined;
  /** Of the head, where the charset leaves that to be known. */
  byteCount: number | undefined;
  isDone = false;

  constructor(charset: string | undefined) {
    // Of charsets that keep ASCII the tags can be read without knowing which, a byte a character.
    this.#decoder = new TextDecoder(charset ?? "latin1");
    this.#countsBytes = charset === undefined;
    this.#parser = new Parser({
      onopentagname: (name) => {
        if (name === "body") this.#finish(this.#parser.startIndex);
      },
      onopentag: (name, attributes) => {
        if (name === "meta" && !this.isDone) this.charset ??= charsetOf(attributes);
      },
      onclosetag: (name) => {
        if (name === "head") this.#finish(this.#parser.endIndex + 1);
      },
    });
  }

  write(bytes: Uint8Array): void {
    if (!this.isDone) this.#parser.write(this.#decoder.decode(bytes, { stream: true }));
  }

  #finish(index: number): void {
    if (this.isDone) return;
    this.isDone = true;
    if (this.#countsBytes) this.byteCount = index;
  }
}

/** What the tags of a head say. */
class HeadText {
  readonly #meta = new Map<string, string>();
  readonly #parser: Parser;
  #title: string | undefined;
  #isInTitle = false;
  #base: string | undefined;
  #isDone = false;

  constructor() {
    this.#parser = new Parser({
      onopentag: (name, attributes) => this.#open(name, attributes),
      ontext: (text) => this.#text(text),
      onclosetag: (name) => this.#close(name),
    });
  }

  write(text: string): void {
    this.#parser.end(text);
  }

  previewOf(url: URL): LinkPreview | undefined {
    const title = this.#first(TITLES, TITLE_LENGTH_MAX) ||
      tidy(this.#title ?? "", TITLE_LENGTH_MAX);
    return title === "" ? undefined : {
      image: this.#absolute(this.#first(IMAGES), url)?.href ?? "",
      description: this.#first(DESCRIPTIONS, DESCRIPTION_LENGTH_MAX),
      title,
      url: this.#ownAddress(url),
    };
  }

  #open(name: string, attributes: Record<string, string>) {
    if (this.#isDone) return;
    if (name === "body") this.#isDone = true;
    if (name === "title") this.#isInTitle = this.#title === undefined;
    if (name === "base") this.#base ??= attributes.href;
    if (name !== "meta" || attributes.content === undefined) return;
    const key = (attributes.property ?? attributes.name ?? "").trim().toLowerCase();
    if (!META_NAMES.has(key) || this.#meta.has(key)) return;
    if (tidy(attributes.content, RAW_LENGTH_MAX) !== "") this.#meta.set(key, attributes.content);
  }

  #text(text: string) {
    if (this.#isDone || !this.#isInTitle) return;
    this.#title = ((this.#title ?? "") + text).slice(0, RAW_LENGTH_MAX);
  }

  #close(name: string) {
    if (name === "title") this.#isInTitle = false;
    if (name === "head") this.#isDone = true;
  }

  #first(names: string[], lengthMax?: number): string {
    const text = names.map((name) => this.#meta.get(name)).find((it) => it !== undefined) ?? "";
    return lengthMax === undefined ? text : tidy(text, lengthMax);
  }

  #ownAddress(url: URL): string {
    const preferred = this.#absolute(this.#meta.get(ADDRESS), url);
    return preferred?.host === url.host ? preferred.href : url.href;
  }

  #absolute(reference: string | undefined, page: URL): URL | undefined {
    if (!reference?.trim()) return undefined;
    const base = URL.parse(this.#base ?? "", page) ?? page;
    const url = URL.parse(reference, base);
    const isFit = url && /^https?:$/.test(url.protocol) && !url.username && !url.password &&
      url.href.length <= ADDRESS_LENGTH_MAX;
    return isFit ? url : undefined;
  }
}

/** The charset a byte order mark stands for, which wins over whatever is said. */
function markedCharset([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : undefined;
}

/** What a meta tag names, in either of the two ways. */
function charsetOf({ charset, content, ...rest }: Record<string, string>): string | undefined {
  const isType = /^\s*content-type\s*$/i.test(rest["http-equiv"] ?? "");
  const [, inType] = (isType && /charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(content ?? "")) || [];
  const named = (charset ?? inType)?.trim();
  // A page whose ASCII could be read is not in UTF-16, whatever it says.
  return isCharset(named) && !/^utf-?16/i.test(named!) ? named : undefined;
}

function isCharset(label: string | undefined): boolean {
  try {
    return label !== undefined && new TextDecoder(label) !== undefined;
  } catch {
    return false;
  }
}

/** The text in that charset; where none is named, UTF-8 if it is, else as Chinese servers write. */
function decode(page: Uint8Array, charset: string | undefined): string {
  if (charset !== undefined) return new TextDecoder(charset).decode(page);
  try {
    // What is cut off in the middle of a character is no fault of the page's.
    return new TextDecoder("utf-8", { fatal: true }).decode(page, { stream: true });
  } catch {
    return new TextDecoder("gb18030").decode(page, { stream: true });
  }
}

/**
 * One line without characters that control others, the text's direction included; `…` if cut. What
 * could not be read in part says nothing.
 */
function tidy(text: string, lengthMax: number): string {
  if (text.includes("\ufffd")) return "";
  const line = text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "").replace(/[\s\p{Cc}]+/gu, " ");
  const characters = [...line.slice(0, RAW_LENGTH_MAX).trim()];
  return characters.length > lengthMax
    ? `${characters.slice(0, lengthMax - 1).join("")}…`
    : characters.join("");
}
