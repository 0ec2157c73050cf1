/** What a development provider kept instead of sending it, as `GET /dev/outbox` shows it. */
export interface OutboxItem {
  kind: string;
  to: string;
  code?: string;
  text: string;
  /** What the app's icon would show with it. */
  badge?: number | undefined;
  /** When it would have been sent, ms since 1970. */
  at: number;
}

const ITEM_COUNT_MAX = 1_000;

export class Outbox {
  readonly #items: OutboxItem[] = [];
  readonly #seen = new Set<string>();

  /** Drops what came with this id before, as the real receivers do. */
  putOnce(id: string, item: Omit<OutboxItem, "at">): void {
    const key = `${item.kind} ${id}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    if (this.#seen.size > ITEM_COUNT_MAX) this.#seen.delete(this.#seen.values().next().value!);
    this.put(item);
  }

  put({ kind, to, code, text, badge }: Omit<OutboxItem, "at">): void {
    const item = {
      kind,
      to,
      ...(code !== undefined && { code }),
      text,
      ...(badge !== undefined && { badge }),
      at: Date.now(),
    };
    this.#items.push(item);
    if (this.#items.length > ITEM_COUNT_MAX) this.#items.shift();
  }

  list({ to }: { to?: string | undefined } = {}): OutboxItem[] {
    return this.#items.filter((item) => to === undefined || item.to === to).reverse();
  }
}
