/** Somebody who waits for a turn: `go` gives it, `refuse` turns them away. */
export interface Waiting<Who> {
  who: Who;
  go(): void;
  refuse(): void;
}

/** In which order those who wait are served. */
export interface Line<Who> {
  readonly length: number;
  /** @returns who is turned away now: the one who came, another who waits, or nobody */
  join(waiting: Waiting<Who>): Waiting<Who> | undefined;
  next(): Waiting<Who> | undefined;
}

/** Somebody was turned away by the line they waited in. */
export class TurnRefusedError extends Error {
  override name = "TurnRefusedError";
}

/** Lets so many work at once; the others wait in a line, whoever came first by default. */
export class Turns<Who = void> {
  readonly #max: number;
  readonly #waitingMax: number;
  readonly #line: Line<Who>;
  readonly #idle: (() => void)[] = [];
  #count = 0;

  constructor(
    max: number,
    { waitingMax = Infinity, line = new FirstCome() }: {
      waitingMax?: number;
      line?: Line<Who>;
    } = {},
  ) {
    this.#max = max;
    this.#waitingMax = waitingMax;
    this.#line = line;
  }

  /** Whether the line is as long as it may get: whoever would come now is to be turned away. */
  get isFull(): boolean {
    return this.#count >= this.#max && this.#line.length >= this.#waitingMax;
  }

  /** @throws {TurnRefusedError} when the line turns whoever waits away */
  async take<T>(work: () => Promise<T>, who: Who): Promise<T> {
    if (this.#count < this.#max) this.#count += 1;
    // Whoever ends hands the place over, so nobody can slip in between.
    else await this.#wait(who);
    try {
      return await work();
    } finally {
      const next = this.#line.next();
      if (next) next.go();
      else if (--this.#count === 0) { for (const resolve of this.#idle.splice(0)) resolve(); }
    }
  }

  async settle(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #wait(who: Who): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = () => reject(new TurnRefusedError("too many wait"));
      this.#line.join({ who, go: resolve, refuse })?.refuse();
    });
  }
}

class FirstCome<Who> implements Line<Who> {
  readonly #waiting: Waiting<Who>[] = [];

  get length(): number {
    return this.#waiting.length;
  }

  join(waiting: Waiting<Who>): undefined {
    this.#waiting.push(waiting);
  }

  next(): Waiting<Who> | undefined {
    return this.#waiting.shift();
  }
}
