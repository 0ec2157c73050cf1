/**
 * A map that keeps what was lately set or found, at least `countMax` entries and at most twice as
 * many. What nobody has asked for while that many others were goes.
 */
export class Recent<Key, Value> {
  readonly #countMax: number;
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get(key: Key): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: Key, value: Value): void {
    if (this.#young.size >= this.#countMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  /** What is kept, or is kept from now on. */
  getOr(key: Key, make: () => Value): Value {
    const known = this.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.set(key, made);
    return made;
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
