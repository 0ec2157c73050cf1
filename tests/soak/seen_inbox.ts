import type { Incoming } from "./client_codecs.ts";
import type { Findings } from "./findings.ts";

/** How a client came to know of a message. */
export type Way = "push" | "sync" | "answer";

/** What a client knows, by whichever protocol. */
export interface Inbox {
  /** How many each way brought, the known ones included, and how many first came by it. */
  readonly counts: Record<Way, number>;
  readonly firstCounts: Record<Way, number>;
  /** All messages from the first to this one are known. */
  readonly knownCount: number;
  /** What is known, by number; `seqs` are the numbers, for a protocol that does not say them. */
  messagesBy(seqs: ReadonlyMap<string, number>): ReadonlyMap<number, Incoming>;
}

/** What one client knows of its person's inbox, each message once however often it came. */
export class SeenInbox implements Inbox {
  readonly messages = new Map<number, Incoming>();
  readonly counts: Record<Way, number> = { push: 0, sync: 0, answer: 0 };
  readonly firstCounts: Record<Way, number> = { push: 0, sync: 0, answer: 0 };
  readonly #seqOf = new Map<string, number>();
  #contiguousSeq = 0;

  constructor(private readonly owner: string, private readonly findings: Findings) {}

  /** Everything up to here is known: a client fetches what comes after it. */
  get contiguousSeq(): number {
    return this.#contiguousSeq;
  }

  get knownCount(): number {
    return this.#contiguousSeq;
  }

  messagesBy(): ReadonlyMap<number, Incoming> {
    return this.messages;
  }

  learn(way: Way, message: Incoming): void {
    const { seq, clientMsgNo } = message;
    this.counts[way]++;
    const [known, knownSeq] = [this.messages.get(seq), this.#seqOf.get(clientMsgNo)];
    if (knownSeq !== undefined && knownSeq !== seq) {
      this.#complain(`message ${clientMsgNo} has the numbers ${knownSeq} and ${seq} (${way})`);
    }
    if (known) {
      const change = changeOf(known, message);
      if (change) this.#complain(`seq ${seq}: ${change} (${way})`);
      return;
    }
    this.firstCounts[way]++;
    this.messages.set(seq, message);
    this.#seqOf.set(clientMsgNo, seq);
    while (this.messages.has(this.#contiguousSeq + 1)) this.#contiguousSeq++;
  }

  #complain(text: string): void {
    this.findings.add(`${this.owner}: ${text}`);
  }
}

/** What differs between two accounts of one message, in words; undefined: nothing. */
export function changeOf(one: Partial<Incoming>, other: Partial<Incoming>): string | undefined {
  for (const name of Object.keys(one) as (keyof Incoming)[]) {
    if (name === "messageId" && (one.messageId === 0 || other.messageId === 0)) continue;
    if (one[name] !== other[name]) return `${name} is ${one[name]} and ${other[name]}`;
  }
  return undefined;
}
