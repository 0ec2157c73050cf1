/** What one person may say over all their sockets of one process: each second, and at once. */
const SAID_PER_SECOND = 60;
const SAID_AT_ONCE = 120;
/** By so much what is said at once is ahead of what is said evenly, ms. */
const AHEAD_MS_MAX = 1_000 * SAID_AT_ONCE / SAID_PER_SECOND;
/** People remembered before those whose time has passed are forgotten. */
const PEOPLE_COUNT_MAX = 10_000;

/** What is said on one connection, and what else can be done while nothing may be. */
interface Speaking {
  readonly connection: {
    readonly userId: number;
    readonly isLive: boolean;
    pause(ms: number): Promise<void>;
  };
  readonly isBehind: boolean;
  drain(): Promise<void>;
}

/**
 * How fast people may speak. Above it nothing is refused, for deployed clients take a refusal for
 * the end of a message: the connection reads on later, and its frames wait in their order.
 */
export class Pace {
  /** When what each person has said would have been said, had it been said evenly, ms. */
  readonly #evenAtMs = new Map<number, number>();
  readonly #everyMs: number;

  /** @param factor multiplies both; 0: there is no pace */
  constructor(factor: number) {
    this.#everyMs = factor === 0 ? 0 : 1_000 / (SAID_PER_SECOND * factor);
  }

  /** One more thing is said. @returns how long it waits, ms */
  next(userId: number, nowMs: number): number {
    if (this.#everyMs === 0) return 0;
    if (this.#evenAtMs.size >= PEOPLE_COUNT_MAX) this.#forget(nowMs);
    const evenAtMs = Math.max(this.#evenAtMs.get(userId) ?? 0, nowMs) + this.#everyMs;
    this.#evenAtMs.set(userId, evenAtMs);
    return Math.max(0, evenAtMs - AHEAD_MS_MAX - nowMs);
  }

  /** Waits until the connection's person may say one more; what is new goes out meanwhile. */
  async keep(speaking: Speaking): Promise<void> {
    const { connection } = speaking;
    const nowMs = performance.now();
    const atMs = nowMs + this.next(connection.userId, nowMs);
    for (let leftMs = atMs - nowMs; leftMs > 0; leftMs = atMs - performance.now()) {
      if (!connection.isLive) return;
      await (speaking.isBehind ? speaking.drain() : connection.pause(leftMs));
    }
  }

  #forget(nowMs: number): void {
    for (const [userId, evenAtMs] of this.#evenAtMs) {
      if (evenAtMs <= nowMs) this.#evenAtMs.delete(userId);
    }
  }
}
