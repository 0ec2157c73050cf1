/** Findings printed in full; the rest is only counted. */
const PRINTED_COUNT_MAX = 100;

/** What a run found wrong, in words that say who, which message, which number. */
export class Findings {
  readonly #lines: string[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(line: string): void {
    this.#count++;
    if (this.#lines.length < PRINTED_COUNT_MAX) this.#lines.push(line);
  }

  /** All of them, a line each; empty when nothing is wrong. */
  toString(): string {
    const more = this.#count - this.#lines.length;
    return [...this.#lines, ...more > 0 ? [`and ${more} more`] : []].join("\n");
  }
}
