/** Messages of one connection that are waited for at once; those beyond are sent and not waited for. */
const WAITING_COUNT_MAX = 1_000;

/** Messages a client has been sent and has not confirmed (RECVACK) yet, oldest first. */
export class Unacked {
  readonly #waiting = new Map<number, { seq: number; atMs: number }>();
  /** Whether this client confirms what it gets at all. */
  #isExpected: boolean;
  #lastSeq = 0;

  constructor({ isExpected }: { isExpected: boolean }) {
    this.#isExpected = isExpected;
  }

  sent({ messageId, seq }: { messageId: number; seq: number }, atMs: number): void {
    if (this.#waiting.size >= WAITING_COUNT_MAX) return;
    this.#waiting.set(messageId, { seq, atMs });
    this.#lastSeq = seq;
  }

  /** @returns the number up to which all is confirmed; undefined when this was not waited for */
  confirm(messageId: number): number | undefined {
    this.#isExpected = true;
    if (!this.#waiting.delete(messageId)) return undefined;
    const [oldest] = this.#waiting.values();
    return oldest ? oldest.seq - 1 : this.#lastSeq;
  }

  /** Ids of the messages that should have been confirmed by now. */
  sentBefore(atMs: number): number[] {
    const late: number[] = [];
    if (!this.#isExpected) return late;
    for (const [messageId, sent] of this.#waiting) {
      if (sent.atMs > atMs) break;
      late.push(messageId);
    }
    return late;
  }

  passOver(messageId: number): void {
    this.#waiting.delete(messageId);
  }
}
