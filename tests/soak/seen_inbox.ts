import type { Incoming } from "./client_codecs.ts";
import type { Findings } from "./findings.ts";

/** How a client came to know of a message. */
export type Way = "push" | "sync" | "answer";

/** What one client knows of its person's inbox, each message once however often it came. */
export class SeenInbox {
  readonly messages = new Map<number, Incoming>();
  /** How many each way brought, the known ones included, and how many first came by it. */
  readonly counts: Record<Way, number> = { push: 0, sync: 0, answer: 0 };
  readonly firstCounts: Record<Way, number> = { push: 0, sync: 0, answer: 0 };
  readonly #seqOf = new Map<number, number>();
  #contiguousSeq = 0;

  constructor(private readonly owner: string, private readonly findings: Findings) {}

  /** Everything up to here is known: a client fetches what comes after it. */
  get contiguousSeq(): number {
    return this.#contiguousSeq;
  }

  learn(way: Way, message: Incoming): void {
    const { seq, messageId } = message;
    this.counts[way]++;
    const [known, knownSeq] = [this.messages.get(seq), this.#seqOf.get(messageId)];
    if (knownSeq !== undefined && knownSeq !== seq) {
      this.#complain(`message ${messageId} has the numbers ${knownSeq} and ${seq} (${way})`);
    }
    if (known) {
      const change = changeOf(known, message);
      if (change) this.#complain(`seq ${seq}: ${change} (${way})`);
      return;
    }
    this.firstCounts[way]++;
    this.messages.set(seq, message);
    this.#seqOf.set(messageId, seq);
    while (this.messages.has(this.#contiguousSeq + 1)) this.#contiguousSeq++;
  }

  #complain(text: string): void {
    this.findings.add(`${this.owner}: ${text}`);
  }
}

/** What differs between two accounts of one message, in words; undefined: nothing. */
export function changeOf(one: Partial<Incoming>, other: Partial<Incoming>): string | undefined {
  for (const name of Object.keys(one) as (keyof Incoming)[]) {
    if (one[name] !== other[name]) return `${name} is ${one[name]} and ${other[name]}`;
  }
  return undefined;
}
