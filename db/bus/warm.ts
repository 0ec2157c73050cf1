import { Recent } from "../../config/runtime/recent.ts";
import type { Bus, BusEvent } from "./bus.ts";

/** How long this process believes what it knows without asking again, ms. */
export const WARM_MS = 5_000;
/** Values remembered ({@link Recent}). */
const VALUES_COUNT_MAX = 20_000;

interface WarmCtx {
  bus: Bus;
  now: () => Date;
}

interface Entry<Value> {
  /** Undefined once dropped. */
  value: Value | undefined;
  untilMs: number;
}

/**
 * What this process has lately learnt of who calls, so that whoever calls again costs no trip. It
 * holds for {@link WARM_MS}, and ends at once where the bus says so (docs/adr/warm-callers.md).
 */
export class Warm<Value> {
  readonly #entries = new Recent<string, Entry<Value>>(VALUES_COUNT_MAX);
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    return entry?.value !== undefined && entry.untilMs > this.#nowMs() ? entry.value : undefined;
  }

  /** Not what was dropped a moment ago: whoever keeps it may have read it before. */
  keep(key: string, value: Value): void {
    const entry = this.#entries.get(key);
    const isDropped = entry !== undefined && entry.value === undefined &&
      entry.untilMs > this.#nowMs();
    if (!isDropped) this.#set(key, value);
  }

  drop(key: string): void {
    this.#set(key, undefined);
  }

  /** Somebody may have said that something ended, and nobody here heard. */
  clear(): void {
    this.#entries.clear();
  }

  #nowMs(): number {
    return this.#now().getTime();
  }

  #set(key: string, value: Value | undefined): void {
    this.#entries.set(key, { value, untilMs: this.#nowMs() + WARM_MS });
  }
}

/**
 * A {@link Warm} for each process, which a bus stands for.
 *
 * @param droppedBy the keys an event says are over
 */
export function warmOf<Value>(
  droppedBy: (event: BusEvent) => string[],
): (ctx: WarmCtx) => Warm<Value> {
  const warmByBus = new WeakMap<Bus, Warm<Value>>();
  return ({ bus, now }) => {
    const known = warmByBus.get(bus);
    if (known) return known;
    const warm = new Warm<Value>(now);
    warmByBus.set(bus, warm);
    bus.subscribe((event) => {
      if (event.kind === "resubscribed") warm.clear();
      for (const key of droppedBy(event)) warm.drop(key);
    });
    return warm;
  };
}
