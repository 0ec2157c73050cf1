import type { InboxMessage } from "../../db/domain/messages/read_inbox.ts";
import { DRAIN_PAGE_COUNT, type Page } from "./inbox_reads.ts";
import { CloseCode } from "./reasons.ts";
import type { Sockets } from "./sockets.ts";
import type { Connection } from "./types.ts";
import { Unacked } from "./unacked.ts";

/** What a client may leave unread before it is cut off: the inbox keeps everything for later. */
export const UNREAD_BYTES_MAX = 1024 * 1024;
/** With more than this unread it gets nothing more from the inbox until it has read on. */
const UNREAD_BYTES_ENOUGH = UNREAD_BYTES_MAX / 4;
/** How often is looked whether it has, ms. */
const LOOK_MS = 20;

/** What a feed goes out on. */
export interface Line {
  readonly connection: Connection;
  /** @returns whether it went out */
  push(message: InboxMessage): boolean;
}

/** How far the messages behind a number were sent. */
export interface Fetched {
  /** Everything up to here was looked at. */
  seq: number;
  /** How many messages that was. */
  count: number;
  /** There was nothing behind that. */
  isWhole: boolean;
}

/**
 * What one connection gets of its person's inbox: everything behind its cursor, in order, each
 * message once, at the client's own pace. What the client does not confirm in time is not sent
 * again: deployed clients would show it twice. The connection ends, and the client fetches it.
 */
export class Feed {
  readonly #line: Line;
  readonly #sockets: Sockets;
  readonly #unacked: Unacked;
  /** Everything up to here has been sent, or is for the client itself to fetch. */
  #cursor = 0;
  /** Somebody says the inbox has got this far. */
  #wanted = 0;
  /** Numbers of messages sent from here that are still to be passed over. */
  readonly #own = new Set<number>();

  /** @param mustAck whether every client of the protocol confirms what it gets */
  constructor(line: Line, sockets: Sockets, { mustAck }: { mustAck: boolean }) {
    this.#line = line;
    this.#sockets = sockets;
    this.#unacked = new Unacked({ isExpected: mustAck });
  }

  begin(cursor: number): void {
    this.#cursor = cursor;
  }

  /** The person's inbox has got this far; Infinity: nobody knows how far. */
  call(seq: number): void {
    if (seq > this.#wanted) this.#wanted = seq;
  }

  /** Everything up to here has been sent, or passed over. */
  get cursor(): number {
    return this.#cursor;
  }

  get isBehind(): boolean {
    return this.#wanted > this.#cursor;
  }

  /** Its own message does not come back to the connection that sent it. */
  passOver(seq: number): void {
    if (seq === this.#cursor + 1) this.#cursor = seq;
    else if (seq > this.#cursor) this.#own.add(seq);
  }

  /** Sends what came after the cursor, one page of it, and only what lies before a number. */
  async drain({ beforeSeq = Infinity } = {}): Promise<void> {
    const isKnown = this.#wanted < Infinity;
    // Whoever calls from here on may mean something this read does not find.
    this.#wanted = 0;
    const reader = { userId: this.#line.connection.userId, afterSeq: this.#cursor };
    let page: Page;
    try {
      page = await this.#sockets.reads.news(reader, { isKnown });
    } catch (error) {
      // The slow poll will call again.
      return this.#sockets.report(error);
    }
    for (const message of page.messages) {
      if (message.seq <= this.#cursor) continue;
      if (message.seq >= beforeSeq) return this.call(Infinity);
      const isForHere = !this.#own.delete(message.seq) && isShown(message);
      if (isForHere && !(await this.#hasRoom() && this.#push(message))) return;
      this.#cursor = message.seq;
    }
    if (!page.isWhole) this.call(isKnown ? this.#cursor + 1 : Infinity);
  }

  /**
   * Sends what a client asks for, page after page at its own pace: all that lies behind a number,
   * whatever it was sent before. `read` answers the next messages behind one.
   */
  async fetch(
    { afterSeq, countMax, read, send }: {
      afterSeq: number;
      /** Messages looked at; the rest is for the next time. */
      countMax: number;
      read: (afterSeq: number) => Promise<InboxMessage[]>;
      send: (message: InboxMessage) => boolean;
    },
  ): Promise<Fetched> {
    const fetched = { seq: afterSeq, count: 0, isWhole: false };
    while (!fetched.isWhole && fetched.count < countMax) {
      const found = await read(fetched.seq);
      for (const message of found) {
        if (isShown(message) && !(await this.#hasRoom() && send(message))) return fetched;
        fetched.seq = message.seq;
        fetched.count += 1;
      }
      fetched.isWhole = found.length < DRAIN_PAGE_COUNT;
    }
    return fetched;
  }

  /** The client has fetched everything up to here, so it is not sent any more. */
  skipTo(seq: number): void {
    if (seq > this.#cursor) this.#cursor = seq;
  }

  #push(message: InboxMessage): boolean {
    this.#unacked.sent(message, this.#sockets.nowMs());
    return this.#line.push(message);
  }

  /** Waits until the client has read enough; one that does not in time is cut off. */
  async #hasRoom(): Promise<boolean> {
    let waitedMs = 0;
    while (
      this.#line.connection.isLive && this.#line.connection.unreadBytes > UNREAD_BYTES_ENOUGH
    ) {
      if (waitedMs >= this.#sockets.options.slowMs) {
        this.#line.connection.close(CloseCode.try_again_later, "too slow");
      } else {
        await this.#line.connection.pause(LOOK_MS);
        waitedMs += LOOK_MS;
      }
    }
    return this.#line.connection.isLive;
  }

  /** The client has got this message. */
  confirm(messageId: number): void {
    const seq = this.#unacked.confirm(messageId);
    if (seq !== undefined) this.#sockets.delivered.move(this.#line.connection.userId, seq);
  }

  /** Ends a connection whose client has not confirmed a message in time. */
  checkConfirmed(nowMs: number): void {
    const late = this.#unacked.sentBefore(nowMs - this.#sockets.options.recvackMs);
    let isLost = false;
    for (const messageId of late) {
      if (this.#sockets.suspects.add(this.#line.connection.userId, messageId)) isLost = true;
      else this.#unacked.passOver(messageId);
    }
    if (isLost) this.#line.connection.close(CloseCode.try_again_later, "not acknowledged");
  }
}

/** Whether there is anything left of a message for its owner to see. */
function isShown({ isDeleted, revokerUid }: InboxMessage): boolean {
  return !isDeleted && revokerUid === undefined;
}
