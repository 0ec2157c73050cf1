export class Turns {
  readonly #max: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  readonly #idle: (() => void)[] = [];
  #count = 0;

  constructor(max: number, { waitingMax = Infinity }: { waitingMax?: number } = {}) {
    this.#max = max;
    this.#waitingMax = waitingMax;
  }

  /** Whether the line is as long as it may get: whoever would come now is to be turned away. */
  get isFull(): boolean {
    return this.#count >= this.#max && this.#waiting.length >= this.#waitingMax;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#count < this.#max) this.#count += 1;
    // Whoever ends hands the place over, so nobody can slip in between.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else if (--this.#count === 0) { for (const resolve of this.#idle.splice(0)) resolve(); }
    }
  }

  async settle(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}
