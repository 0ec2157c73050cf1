import { Turns } from "../../config/runtime/turns.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { readHeads } from "../../db/domain/messages/heads.ts";
import { type InboxMessage, readInbox } from "../../db/domain/messages/read_inbox.ts";
import { type Reader, readInboxes } from "../../db/domain/messages/read_inboxes.ts";

/** Messages one read of an inbox brings. */
export const DRAIN_PAGE_COUNT = 100;
/** Statements at once, so that requests get their share of the database. */
const READS_AT_ONCE = 6;
/** Of those that are shared; whoever comes meanwhile shares the next. */
const SHARED_AT_ONCE = 2;
/** Connections that share one. */
const READERS_COUNT_MAX = 100;
/** Messages each of them gets by it: with the largest payloads some tens of megabytes for all. */
const SHARED_PAGE_COUNT = 20;
/** Rounds of copying from large groups' logs before a connection begins; the rest is sent to it. */
const CATCH_UP_ROUNDS_MAX = 20;

/** What one read brings, ascending. */
export interface Page {
  messages: InboxMessage[];
  /** There was nothing behind it. */
  isWhole: boolean;
}

interface Waiting extends Reader {
  resolve(page: InboxMessage[]): void;
  reject(error: unknown): void;
}

/** The reading of inboxes for all connections of a process. */
export class InboxReads {
  readonly #ctx: Ctx;
  readonly #turns = new Turns(READS_AT_ONCE);
  readonly #waiting: Waiting[] = [];
  #sharedCount = 0;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
  }

  /**
   * Where a connection begins: what came before the client fetches itself. That includes what
   * large groups have logged, which is copied into the inbox first.
   */
  async head(userId: number): Promise<number> {
    for (let round = 1;; round++) {
      const head = (await readHeads(this.#ctx, [userId])).get(userId)!;
      if (!head.hasNews || round === CATCH_UP_ROUNDS_MAX) return head.seq;
      await this.inTurn(() => readInbox(this.#ctx, { userId, afterSeq: head.seq, limit: 1 }));
    }
  }

  /** What lies behind a number, and what large groups have logged; {@link DRAIN_PAGE_COUNT} of it. */
  all(reader: Reader): Promise<InboxMessage[]> {
    return this.inTurn(() => readInbox(this.#ctx, { ...reader, limit: DRAIN_PAGE_COUNT }));
  }

  /**
   * What is new. Inboxes that have grown are read as one for all who hear of it at the same time.
   *
   * @param isKnown what there is lies in the inbox already: no log has to be copied for it
   */
  async news(reader: Reader, { isKnown }: { isKnown: boolean }): Promise<Page> {
    const messages = await (isKnown ? this.#share(reader) : this.all(reader));
    const countMax = isKnown ? SHARED_PAGE_COUNT : DRAIN_PAGE_COUNT;
    return { messages, isWhole: messages.length < countMax };
  }

  /** Reads when it is its turn. */
  inTurn<T>(read: () => Promise<T>): Promise<T> {
    return this.#turns.take(read);
  }

  /** Resolves when nothing is being read any more. */
  settle(): Promise<void> {
    return this.#turns.settle();
  }

  #share(reader: Reader): Promise<InboxMessage[]> {
    const { promise, resolve, reject } = Promise.withResolvers<InboxMessage[]>();
    this.#waiting.push({ ...reader, resolve, reject });
    if (this.#sharedCount < SHARED_AT_ONCE) this.#readShared();
    return promise;
  }

  async #readShared(): Promise<void> {
    this.#sharedCount++;
    // Whoever else hears of the same message in this turn comes along.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.inTurn(() => this.#readSome());
    // In the same turn as the last look, so that nobody can come in between.
    this.#sharedCount--;
  }

  async #readSome(): Promise<void> {
    const readers = this.#waiting.splice(0, READERS_COUNT_MAX);
    if (readers.length === 0) return;
    try {
      const pages = await readInboxes(this.#ctx, { readers, limit: SHARED_PAGE_COUNT });
      readers.forEach(({ resolve }, at) => resolve(pages[at]!));
    } catch (error) {
      for (const { reject } of readers) reject(error);
    }
  }
}
