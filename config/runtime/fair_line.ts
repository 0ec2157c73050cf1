import type { Line, Waiting } from "./turns.ts";

/** Whose turn it would be. */
export interface Party {
  /** Parties go round by this name: everybody who waits gets as many turns as anybody else. */
  name: string;
  /** A larger whole the party is a part of, with a limit of its own. */
  site?: string | undefined;
  /** Comes before the others, and is not turned away because of them. */
  isFirst: boolean;
}

export interface FairLimits {
  partyMax: number;
  siteMax: number;
  waitingMax: number;
}

/** So many of the first in a row, then one of the others: people logged in shut nobody out either. */
const FIRST_IN_A_ROW_MAX = 3;

/**
 * A line in which no party stands in another's way: they go round, few of one may wait, and when too
 * many do, the newest of the party with most waiting is turned away.
 */
export class FairLine implements Line<Party> {
  readonly #limits: FairLimits;
  readonly #first = new Round();
  readonly #others = new Round();
  #inARow = 0;

  constructor(limits: FairLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#first.length + this.#others.length;
  }

  join(waiting: Waiting<Party>): Waiting<Party> | undefined {
    const { name, site, isFirst } = waiting.who;
    const round = isFirst ? this.#first : this.#others;
    if (round.countOf(name) >= this.#limits.partyMax) return waiting;
    if (site !== undefined && round.countOfSite(site) >= this.#limits.siteMax) return waiting;
    round.push(waiting);
    return this.length > this.#limits.waitingMax ? this.#others.dropNewestOfLargest() : undefined;
  }

  next(): Waiting<Party> | undefined {
    const isOthersTurn = this.#first.length === 0 ||
      this.#inARow >= FIRST_IN_A_ROW_MAX && this.#others.length > 0;
    this.#inARow = isOthersTurn ? 0 : this.#inARow + 1;
    return (isOthersTurn ? this.#others : this.#first).shift();
  }
}

/** Parties in the order of their next turns. */
class Round {
  readonly #parties = new Map<string, Waiting<Party>[]>();
  length = 0;

  countOf(name: string): number {
    return this.#parties.get(name)?.length ?? 0;
  }

  countOfSite(site: string): number {
    let count = 0;
    for (const waiting of this.#parties.values()) {
      if (waiting[0]!.who.site === site) count += waiting.length;
    }
    return count;
  }

  push(waiting: Waiting<Party>): void {
    const { name } = waiting.who;
    this.#parties.set(name, [...this.#parties.get(name) ?? [], waiting]);
    this.length += 1;
  }

  /** The oldest of the party whose turn it is, which goes behind all others. */
  shift(): Waiting<Party> | undefined {
    const [party] = this.#parties;
    if (!party) return undefined;
    const [name, [oldest, ...rest]] = party;
    this.#parties.delete(name);
    if (rest.length > 0) this.#parties.set(name, rest);
    this.length -= 1;
    return oldest;
  }

  /** Of parties with as many, the one that came to the line last. */
  dropNewestOfLargest(): Waiting<Party> | undefined {
    const largest = Math.max(...[...this.#parties.values()].map(({ length }) => length));
    const party = [...this.#parties].findLast(([, { length }]) => length === largest);
    if (!party) return undefined;
    const [name, waiting] = party;
    const newest = waiting.pop();
    if (waiting.length === 0) this.#parties.delete(name);
    this.length -= 1;
    return newest;
  }
}
