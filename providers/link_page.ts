import { Parser } from "htmlparser2";
import type { LinkPreview } from "./links.ts";

const TITLE_LENGTH_MAX = 200;
const DESCRIPTION_LENGTH_MAX = 500;
const ADDRESS_LENGTH_MAX = 2_048;
/** How much raw text of a title is kept before it is tidied, UTF-16 units. */
const RAW_LENGTH_MAX = 4_000;
/** Where a page must have named its charset (HTML standard, "prescan a byte stream"). */
const PRESCAN_BYTES = 1_024;

/** The meta tags looked at; of several with one name the first counts. */
const TITLES = ["og:title", "twitter:title"];
const DESCRIPTIONS = ["og:description", "description", "twitter:description"];
const IMAGES = ["og:image", "og:image:url", "og:image:secure_url", "twitter:image"];
const ADDRESS = "og:url";
const META_NAMES = new Set([...TITLES, ...DESCRIPTIONS, ...IMAGES, ADDRESS]);

/** The head of one page, taken in as it arrives; nothing behind `</head>` is parsed. */
export class PageHead {
  readonly #url: URL;
  readonly #meta = new Map<string, string>();
  readonly #parser: Parser;
  #charset: string | undefined;
  #decoder: TextDecoder | undefined;
  #prescan: Uint8Array[] = [];
  #prescanByteCount = 0;
  #title: string | undefined;
  #isInTitle = false;
  #base: string | undefined;
  #isDone = false;

  constructor(url: URL, charset: string | undefined) {
    this.#url = url;
    this.#charset = charset;
    this.#parser = new Parser({
      onopentag: (name, attributes) => this.#open(name, attributes),
      ontext: (text) => this.#text(text),
      onclosetag: (name) => this.#close(name),
    });
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  write(bytes: Uint8Array): void {
    if (this.#decoder) return this.#parse(this.#decoder.decode(bytes, { stream: true }));
    this.#prescan.push(bytes);
    this.#prescanByteCount += bytes.length;
    if (this.#prescanByteCount >= PRESCAN_BYTES) this.#startDecoding();
  }

  /** @returns undefined for a page without a title: there would be nothing to show */
  end(): LinkPreview | undefined {
    if (!this.#decoder) this.#startDecoding();
    this.#parse(this.#decoder!.decode());
    this.#parser.end();
    const title = tidy(this.#first(TITLES) ?? this.#title ?? "", TITLE_LENGTH_MAX);
    return title === "" ? undefined : {
      image: this.#absolute(this.#first(IMAGES))?.href ?? "",
      description: tidy(this.#first(DESCRIPTIONS) ?? "", DESCRIPTION_LENGTH_MAX),
      title,
      url: this.#ownAddress(),
    };
  }

  #parse(text: string) {
    if (!this.#isDone) this.#parser.write(text);
  }

  #startDecoding() {
    const start = new Uint8Array(this.#prescanByteCount);
    let at = 0;
    for (const bytes of this.#prescan) {
      start.set(bytes, at);
      at += bytes.length;
    }
    this.#prescan = [];
    this.#decoder = decoderOf(this.#charset ?? charsetIn(start));
    this.#parse(this.#decoder.decode(start, { stream: true }));
  }

  #open(name: string, attributes: Record<string, string>) {
    if (this.#isDone) return;
    if (name === "body") this.#isDone = true;
    if (name === "title") this.#isInTitle = this.#title === undefined;
    if (name === "base") this.#base ??= attributes.href;
    if (name !== "meta" || attributes.content === undefined) return;
    const key = (attributes.property ?? attributes.name ?? "").trim().toLowerCase();
    if (META_NAMES.has(key) && !this.#meta.has(key)) this.#meta.set(key, attributes.content);
  }

  #text(text: string) {
    if (this.#isDone || !this.#isInTitle) return;
    this.#title = ((this.#title ?? "") + text).slice(0, RAW_LENGTH_MAX);
  }

  #close(name: string) {
    if (name === "title") this.#isInTitle = false;
    if (name === "head") this.#isDone = true;
  }

  #first(names: string[]): string | undefined {
    return names.map((name) => this.#meta.get(name)).find((text) => text?.trim());
  }

  #ownAddress(): string {
    const preferred = this.#absolute(this.#meta.get(ADDRESS));
    return preferred?.host === this.#url.host ? preferred.href : this.#url.href;
  }

  #absolute(reference: string | undefined): URL | undefined {
    if (!reference?.trim()) return undefined;
    const base = URL.parse(this.#base ?? "", this.#url) ?? this.#url;
    const url = URL.parse(reference, base);
    const isFit = url && /^https?:$/.test(url.protocol) && !url.username && !url.password &&
      url.href.length <= ADDRESS_LENGTH_MAX;
    return isFit ? url : undefined;
  }
}

function charsetIn(start: Uint8Array): string | undefined {
  const text = new TextDecoder("latin1").decode(start.subarray(0, PRESCAN_BYTES));
  const [, named] = /<meta\b[^>]*\bcharset\s*=\s*["']?\s*([\w.:-]+)/i.exec(text) ?? [];
  // A page whose ASCII could be read is not in UTF-16, whatever it says.
  return named?.toLowerCase().startsWith("utf-16") ? undefined : named;
}

function decoderOf(charset: string | undefined): TextDecoder {
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}

/** One line without characters that control others, the text's direction included; `…` if cut. */
function tidy(text: string, lengthMax: number): string {
  const line = text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "").replace(/[\s\p{Cc}]+/gu, " ");
  const characters = [...line.slice(0, RAW_LENGTH_MAX).trim()];
  return characters.length > lengthMax
    ? `${characters.slice(0, lengthMax - 1).join("")}…`
    : characters.join("");
}
