/** What Redis says to a command it refuses. It is an answer, alone or inside another. */
export class Refusal {
  constructor(readonly message: string) {}
}

export type Reply = string | number | null | Refusal | Reply[];

/** An array that has not come in whole yet. */
interface OpenArray {
  items: Reply[];
  count: number;
}

const [CARRIAGE_RETURN, LINE_END_BYTES] = [13, 2];
const encoder = new TextEncoder();
// A byte order mark is part of what was stored.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Commands as RESP 2 writes them; lengths are bytes. */
export function encodeCommands(commands: string[][]): string {
  let text = "";
  for (const words of commands) {
    text += `*${words.length}\r\n`;
    for (const word of words) text += `$${byteLengthOf(word)}\r\n${word}\r\n`;
  }
  return text;
}

function byteLengthOf(text: string): number {
  // deno-lint-ignore no-control-regex
  return /^[\x00-\x7f]*$/.test(text) ? text.length : encoder.encode(text).length;
}

/** Replies of RESP 2 out of bytes that come in pieces of any size. */
export class ReplyDecoder {
  #bytes = new Uint8Array();
  #at = 0;
  #open: OpenArray[] = [];

  /**
   * The replies that are whole with this piece, which may be used for something else afterwards.
   * @throws when it is not Redis that speaks
   */
  *feed(piece: Uint8Array): Generator<Reply> {
    this.#append(piece);
    for (let reply = this.#next(); reply !== undefined; reply = this.#next()) yield reply;
    this.#bytes = this.#bytes.slice(this.#at);
    this.#at = 0;
  }

  #append(piece: Uint8Array) {
    if (this.#bytes.length === 0) {
      this.#bytes = piece as Uint8Array<ArrayBuffer>;
      return;
    }
    const both = new Uint8Array(this.#bytes.length + piece.length);
    both.set(this.#bytes);
    both.set(piece, this.#bytes.length);
    this.#bytes = both;
  }

  /** The next whole reply; undefined: there is none yet. */
  #next(): Reply | undefined {
    while (true) {
      let value = this.#value();
      if (value === undefined) return undefined;
      if (isOpenArray(value)) {
        this.#open.push(value);
        continue;
      }
      for (let last = this.#open.at(-1); last; last = this.#open.at(-1)) {
        last.items.push(value);
        if (last.items.length < last.count) break;
        value = this.#open.pop()!.items;
      }
      if (this.#open.length === 0) return value;
    }
  }

  /** Leaves everything where it was while the value is not there as a whole. */
  #value(): Reply | OpenArray | undefined {
    const end = this.#bytes.indexOf(CARRIAGE_RETURN, this.#at);
    if (end === -1 || end + LINE_END_BYTES > this.#bytes.length) return undefined;
    const kind = String.fromCharCode(this.#bytes[this.#at]!);
    const line = this.#text(this.#at + 1, end);
    const next = end + LINE_END_BYTES;
    if (kind === "$" && line !== "-1") return this.#bulk(next, Number(line));
    this.#at = next;
    switch (kind) {
      case "+":
        return line;
      case "-":
        return new Refusal(line);
      case ":":
        return Number(line);
      case "$":
        return null;
      case "*":
        if (line === "-1") return null;
        return line === "0" ? [] : { items: [], count: Number(line) };
    }
    throw new Error("what answers is not a Redis");
  }

  #bulk(start: number, length: number): string | undefined {
    const end = start + length;
    if (end + LINE_END_BYTES > this.#bytes.length) return undefined;
    this.#at = end + LINE_END_BYTES;
    return this.#text(start, end);
  }

  #text(start: number, end: number): string {
    return decoder.decode(this.#bytes.subarray(start, end));
  }
}

function isOpenArray(value: Reply | OpenArray): value is OpenArray {
  return value !== null && typeof value === "object" && "items" in value;
}
