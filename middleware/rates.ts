import { withoutTrips } from "../config/runtime/trips.ts";
import type { Ctx } from "../db/client/ctx.ts";
import { tellPendingEnds } from "../db/domain/sessions/session_cache.ts";
import { type Counter, isOver, windowAt, windowKeys } from "./rate_limit.ts";

type Redis = Ctx["redis"];
type Pipeline = ReturnType<Redis["pipeline"]>;

/** Counters kept in mind; the oldest beyond it begin anew. */
const COUNTERS_COUNT_MAX = 50_000;
/** Between two tellings that nothing else takes along, ms. */
const PAUSE_MS = 50;
/** Windows told in one pipeline. */
const BATCH_COUNT_MAX = 500;

/** A counter's window, as far as this process knows. */
interface Tally {
  counter: Counter;
  /** The window's number. */
  at: number;
  /** All processes together, when last told. */
  total: number;
  previousTotal: number;
  /** Calls of this process that are on their way to Redis, and those that have yet to go. */
  telling: number;
  untold: number;
  /** Redis has been asked for the window before, and this one ends by itself there. */
  isKnown: boolean;
}

/**
 * Counts calls in this process and tells Redis afterwards, so that a call is never kept waiting to
 * be counted; what other processes counted comes back with each telling. Every pipeline a guard
 * sends anyway takes the counts along. While Redis is away each process counts for itself, and
 * tells what it counted once Redis is back.
 */
class Rates {
  readonly #redis: Redis;
  readonly #tallies = new Map<string, Tally>();
  #dirty = new Set<Tally>();
  #telling: Promise<void> | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** @returns the first counter that is over with this call */
  count(counters: Counter[], nowMs: number): Counter | undefined {
    // While Redis is away, windows that are over would stay for as long.
    if (this.#dirty.size > COUNTERS_COUNT_MAX) this.#dirty.clear();
    let over: Counter | undefined;
    for (const counter of counters) {
      const tally = this.#tallyOf(counter, nowMs);
      tally.untold++;
      this.#dirty.add(tally);
      if (this.#isOver(tally, nowMs)) over ??= counter;
    }
    return over;
  }

  /** @returns the first counter that is over, by what has been heard since it was counted */
  overAmong(counters: Counter[], nowMs: number): Counter | undefined {
    return counters.find((counter) => this.#isOver(this.#tallyOf(counter, nowMs), nowMs));
  }

  /** Tells Redis soon; nobody waits for it. */
  tellSoon(): void {
    this.#telling ??= withoutTrips(() => this.#tellAll());
  }

  /**
   * Adds what has not been told to a pipeline, in front of everything else.
   * @returns how many commands were added, and what to call with their replies, or none
   */
  addTo(pipeline: Pipeline): { commandCount: number; heard(replies: unknown[] | undefined): void } {
    const told = [...this.#dirty].slice(0, BATCH_COUNT_MAX).map((tally) => {
      const count = tally.untold;
      tally.telling += count;
      tally.untold = 0;
      this.#dirty.delete(tally);
      return { tally, count, isNew: !tally.isKnown };
    });
    for (const { tally: { counter, at }, count, isNew } of told) {
      const { current, previous } = windowKeys(counter, at);
      pipeline.incrby(current, count);
      if (!isNew) continue;
      pipeline.pexpire(current, counter.windowMs * 2);
      pipeline.get(previous);
    }
    return {
      commandCount: told.reduce((sum, { isNew }) => sum + (isNew ? 3 : 1), 0),
      heard: (replies) => {
        let at = 0;
        for (const { tally, count, isNew } of told) {
          tally.telling -= count;
          if (replies === undefined) {
            tally.untold += count;
            this.#dirty.add(tally);
            continue;
          }
          tally.total = Math.max(tally.total, Number(replies[at]));
          if (isNew) {
            tally.previousTotal = Math.max(tally.previousTotal, Number(replies[at + 2] ?? 0));
            tally.isKnown = true;
          }
          at += isNew ? 3 : 1;
        }
      },
    };
  }

  async #tellAll(): Promise<void> {
    // Whatever else this turn counts goes along, and then whatever else the pause does.
    await Promise.resolve();
    while (this.#dirty.size > 0) {
      const pipeline = this.#redis.pipeline();
      const ends = tellPendingEnds(this.#redis, pipeline);
      const { heard } = this.addTo(pipeline);
      try {
        heard((await pipeline.exec<unknown[]>()).slice(ends.commandCount));
        ends.done();
      } catch {
        // The counts wait for the next call that finds Redis there.
        heard(undefined);
        break;
      }
      await new Promise((resolve) => Deno.unrefTimer(setTimeout(resolve, PAUSE_MS)));
    }
    // In the same turn as the last look, so that nothing can come in between.
    this.#telling = undefined;
  }

  #tallyOf(counter: Counter, nowMs: number): Tally {
    const { at } = windowAt(counter, nowMs);
    const last = this.#tallies.get(counter.key);
    if (last?.at === at) return last;
    if (!last && this.#tallies.size >= COUNTERS_COUNT_MAX) this.#forget(nowMs);
    const tally = {
      counter,
      at,
      total: 0,
      previousTotal: last?.at === at - 1 ? sumOf(last) : 0,
      telling: 0,
      untold: 0,
      isKnown: false,
    };
    this.#tallies.set(counter.key, tally);
    return tally;
  }

  #isOver(tally: Tally, nowMs: number): boolean {
    return isOver(tally.counter, {
      current: sumOf(tally),
      previous: tally.previousTotal,
      previousWeight: windowAt(tally.counter, nowMs).previousWeight,
    });
  }

  /** What is over, and of the rest the older half. */
  #forget(nowMs: number): void {
    for (const [key, { counter, at }] of this.#tallies) {
      if (at < windowAt(counter, nowMs).at - 1) this.#tallies.delete(key);
    }
    for (const key of this.#tallies.keys()) {
      if (this.#tallies.size <= COUNTERS_COUNT_MAX / 2) break;
      this.#tallies.delete(key);
    }
  }
}

function sumOf({ total, telling, untold }: Tally): number {
  return total + telling + untold;
}

/** For each client of Redis, which is one for a process. */
const ratesByRedis = new WeakMap<Redis, Rates>();

export function ratesOf(redis: Redis): Rates {
  const rates = ratesByRedis.get(redis) ?? new Rates(redis);
  ratesByRedis.set(redis, rates);
  return rates;
}
