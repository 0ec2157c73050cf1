/** Messages remembered; the oldest is forgotten first. */
const SUSPECT_COUNT_MAX = 10_000;

/**
 * Messages that a client never confirmed, by person. One that no client of a person can read would
 * otherwise end their connections one after the other: it ends one, and is passed over from then on.
 */
export class Suspects {
  readonly #known = new Set<string>();

  /** @returns whether it is one for the first time */
  add(userId: number, messageId: number): boolean {
    const key = `${userId}:${messageId}`;
    if (this.#known.has(key)) return false;
    if (this.#known.size >= SUSPECT_COUNT_MAX) {
      this.#known.delete(this.#known.values().next().value!);
    }
    this.#known.add(key);
    return true;
  }
}
