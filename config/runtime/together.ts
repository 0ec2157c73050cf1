/** Does it for all of these in one go, and answers for each, in their order. */
export type DoTogether<Input, Answer> = (inputs: Input[]) => Promise<Answer[]>;

export interface TogetherOptions<Input> {
  /** Most that are done in one go. */
  countMax: number;
  /** Of those whose name is the same one at a time is done. */
  nameOf: (input: Input) => unknown;
  /** Whether one of several may have been what failed: then each is done alone. */
  isOnesOwn: (error: unknown) => boolean;
}

interface Waiting<Input, Answer> {
  input: Input;
  /** True: done already; false: it is this one's turn to do it for all. */
  turn: PromiseWithResolvers<boolean>;
  answer: PromiseWithResolvers<Answer>;
}

/**
 * What many want to do to one thing at the same moment is done for all of them in one go, and the
 * next go begins when it is over: those who come meanwhile wait for no longer than one lock. Whoever
 * comes alone is done at once, alone.
 */
export class Together<Input, Answer> {
  readonly #options: TogetherOptions<Input>;
  /** By thing; the line of a thing is there while somebody is at it. */
  readonly #lines = new Map<unknown, Waiting<Input, Answer>[]>();

  constructor(options: TogetherOptions<Input>) {
    this.#options = options;
  }

  async take(
    thing: unknown,
    input: Input,
    work: DoTogether<Input, Answer>,
  ): Promise<Answer> {
    const own: Waiting<Input, Answer> = {
      input,
      turn: Promise.withResolvers(),
      answer: Promise.withResolvers(),
    };
    // It may fail while others of the same go are still at work.
    own.answer.promise.catch(() => {});
    const line = this.#lines.get(thing);
    if (!line) {
      this.#lines.set(thing, []);
      await this.#lead(thing, [own], work);
      return await own.answer.promise;
    }
    line.push(own);
    // Each go is its first one's own, with what is counted and logged for them.
    if (!await own.turn.promise) await this.#lead(thing, this.#chosen(line), work);
    return await own.answer.promise;
  }

  async #lead(
    thing: unknown,
    chosen: Waiting<Input, Answer>[],
    work: DoTogether<Input, Answer>,
  ): Promise<void> {
    try {
      await this.#answer(chosen, work);
    } finally {
      const [next] = this.#lines.get(thing)!;
      if (next) next.turn.resolve(false);
      else this.#lines.delete(thing);
      for (const { turn } of chosen) turn.resolve(true);
    }
  }

  async #answer(
    chosen: Waiting<Input, Answer>[],
    work: DoTogether<Input, Answer>,
  ): Promise<void> {
    try {
      const answers = await work(chosen.map(({ input }) => input));
      for (const [at, { answer }] of chosen.entries()) answer.resolve(answers[at]!);
    } catch (error) {
      if (chosen.length > 1 && this.#options.isOnesOwn(error)) {
        for (const one of chosen) await this.#answer([one], work);
      } else {
        for (const { answer } of chosen) answer.reject(error);
      }
    }
  }

  /** Takes the first of the line out of it, and those that may be done along with it. */
  #chosen(line: Waiting<Input, Answer>[]): Waiting<Input, Answer>[] {
    const { countMax, nameOf } = this.#options;
    const names = new Set<unknown>();
    const chosen: Waiting<Input, Answer>[] = [];
    const left: Waiting<Input, Answer>[] = [];
    for (const one of line) {
      const name = nameOf(one.input);
      if (chosen.length === countMax || names.has(name)) left.push(one);
      else chosen.push(one);
      names.add(name);
    }
    line.splice(0, line.length, ...left);
    return chosen;
  }
}
