export interface Scored {
  member: string;
  score: number;
}

const encoder = new TextEncoder();

/** Members in the order of score, then bytes; sorted again only when read after a change. */
export class SortedSet {
  readonly #scores = new Map<string, number>();
  #order: Scored[] | undefined;

  get size(): number {
    return this.#scores.size;
  }

  score(member: string): number | undefined {
    return this.#scores.get(member);
  }

  put(member: string, score: number): void {
    this.#scores.set(member, score);
    this.#order = undefined;
  }

  remove(member: string): boolean {
    this.#order = undefined;
    return this.#scores.delete(member);
  }

  inOrder(): readonly Scored[] {
    this.#order ??= [...this.#scores]
      .map(([member, score]) => ({ member, score }))
      .sort((a, b) => a.score === b.score ? compareBytes(a.member, b.member) : a.score - b.score);
    return this.#order;
  }
}

/** Redis orders by UTF-8 bytes; JavaScript's `<` orders by UTF-16 units, which differs. */
function compareBytes(a: string, b: string): number {
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    if (left[i] !== right[i]) return left[i] - right[i];
  }
  return left.length - right.length;
}
