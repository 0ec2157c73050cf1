import { networksOf } from "../../config/runtime/address.ts";

/** Sockets of one network of which nobody knows whose they are. */
const STRANGERS_MAX = 16;

/**
 * How many connections of each network have not said whose they are, or were told to go and are
 * there still: a peer that never answers a Close keeps its connection, and nothing here can cut it.
 */
export class Strangers {
  readonly #countMax: number;
  readonly #counts = new Map<string, number>();

  constructor(countMax = STRANGERS_MAX) {
    this.#countMax = countMax;
  }

  hasRoom(address: string): boolean {
    return networksOf(address).every(({ name, factor }) =>
      (this.#counts.get(name) ?? 0) < this.#countMax * factor
    );
  }

  /** @returns what to call, once, when it is one no longer */
  add(address: string): () => void {
    this.#count(address, 1);
    return () => this.#count(address, -1);
  }

  #count(address: string, change: 1 | -1): void {
    for (const { name } of networksOf(address)) {
      const count = (this.#counts.get(name) ?? 0) + change;
      if (count === 0) this.#counts.delete(name);
      else this.#counts.set(name, count);
    }
  }
}
