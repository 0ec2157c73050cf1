import { wrongType } from "./reply.ts";
import { SortedSet } from "./sorted_set.ts";

export type Value = string | Map<string, string> | Set<string> | SortedSet;

interface Entry {
  value: Value;
  /** Epoch ms; absent: lives for ever. */
  expiresAt?: number;
}

/** How many entries each command looks at on top of its own, to drop what has expired. */
const SWEEP_STEP_COUNT = 10;

export class Keyspace {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;
  #sweep: Iterator<[string, Entry]> | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  now(): number {
    return this.#now();
  }

  get(key: string): Value | undefined {
    return this.#live(key)?.value;
  }

  /** Replaces the value whatever it was; the expiry is the given one or none. */
  set(key: string, value: Value, expiresAt?: number): void {
    this.#entries.set(key, { value, expiresAt });
  }

  delete(key: string): boolean {
    return this.#live(key) !== undefined && this.#entries.delete(key);
  }

  expiresAt(key: string): number | undefined {
    return this.#live(key)?.expiresAt;
  }

  /** Moves the end of a key's life; a moment that has passed ends it now. */
  expireAt(key: string, at: number | undefined): void {
    const entry = this.#live(key);
    if (!entry) return;
    if (at !== undefined && at <= this.now()) this.#entries.delete(key);
    else entry.expiresAt = at;
  }

  clear(): void {
    this.#entries.clear();
  }

  liveCount(): number {
    for (const key of this.#entries.keys()) this.#live(key);
    return this.#entries.size;
  }

  /** What memory holds: the live keys and the expired ones nobody has come across yet. */
  get storedCount(): number {
    return this.#entries.size;
  }

  string(key: string): string | undefined {
    const value = this.get(key);
    if (value === undefined || typeof value === "string") return value;
    throw wrongType();
  }

  hash(key: string): Map<string, string> | undefined {
    return this.#container(key, Map<string, string>);
  }

  members(key: string): Set<string> | undefined {
    return this.#container(key, Set<string>);
  }

  sortedSet(key: string): SortedSet | undefined {
    return this.#container(key, SortedSet);
  }

  /** A container that lost its last element is gone, as in Redis. */
  dropIfEmpty(key: string, container: { size: number }): void {
    if (container.size === 0) this.#entries.delete(key);
  }

  /**
   * Looks at a few entries and drops the expired ones. Called once per command it walks the
   * whole table faster than commands can fill it, without a timer that would keep a process up.
   */
  sweep(): void {
    for (let step = 0; step < SWEEP_STEP_COUNT; step++) {
      this.#sweep ??= this.#entries.entries();
      const { done, value } = this.#sweep.next();
      if (done) {
        this.#sweep = undefined;
        return;
      }
      this.#live(value[0]);
    }
  }

  #container<T extends Value>(key: string, kind: new () => T): T | undefined {
    const value = this.get(key);
    if (value === undefined || value instanceof kind) return value;
    throw wrongType();
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry?.expiresAt === undefined || this.now() <= entry.expiresAt) return entry;
    this.#entries.delete(key);
    return undefined;
  }
}
