import type { SeenInbox } from "./seen_inbox.ts";

/**
 * What was pushed on one connection, in order. A number that pushes passed over, and that the sync
 * at the connection's beginning did not bring, may only be of a message the client itself sent.
 */
export class PushWatch {
  readonly skipped = new Set<number>();
  readonly #inbox: SeenInbox;
  #lastSeq = 0;
  /** Everything up to here came before this connection. */
  readonly #startSeq: number;

  constructor(inbox: SeenInbox) {
    this.#inbox = inbox;
    this.#startSeq = inbox.contiguousSeq;
  }

  /** @returns the number it should have been above, if it is not: nothing comes twice */
  take(seq: number): number | undefined {
    if (seq <= this.#lastSeq) return this.#lastSeq;
    for (let at = Math.max(this.#lastSeq, this.#startSeq) + 1; at < seq; at++) {
      if (!this.#inbox.messages.has(at)) this.skipped.add(at);
    }
    this.#lastSeq = seq;
    return undefined;
  }

  /** The client has fetched everything up to this number. */
  synced(seq: number): void {
    for (const at of this.skipped) {
      if (at <= seq) this.skipped.delete(at);
    }
  }
}
