import { networksOf } from "../config/runtime/address.ts";

/** How often one caller may do something: a sliding window over the last `windowMs`. */
export interface Rate {
  per: "caller" | "address";
  count: number;
  windowMs: number;
}

const UNITS = { s: 1_000, min: 60_000, h: 3_600_000 } as const;
type Window = `${number} ${keyof typeof UNITS}`;

/** `perUser(5, "1 s")`: five calls a second by one caller; before login, from one address. */
export function perUser(count: number, window: Window): Rate {
  return { per: "caller", count, windowMs: windowMs(window) };
}

export function perAddress(count: number, window: Window): Rate {
  return { per: "address", count, windowMs: windowMs(window) };
}

function windowMs(window: Window): number {
  const [amount, unit] = window.split(" ") as [string, keyof typeof UNITS];
  return Number(amount) * UNITS[unit];
}

export interface Counter {
  key: string;
  /** Already scaled by the installation's rate factor. */
  count: number;
  windowMs: number;
}

/**
 * The counters of one call. `of` names what a rate is of (a surface, an endpoint); `factor` is the
 * installation's, 0 switching rates off. Whoever is known by their address alone is counted by its
 * networks, and has to fit each of them.
 */
export function countersOf(
  rates: { of: string; rate: Rate }[],
  { caller, address, factor }: { caller: string; address: string; factor: number },
): Counter[] {
  if (factor === 0) return [];
  return rates.flatMap(({ of, rate: { per, count, windowMs } }) => {
    const who = per === "caller" ? caller : address;
    const counted = who === address ? networksOf(address) : [{ name: who, factor: 1 }];
    return counted.map((network) => ({
      key: `rate:${per}:${of}:${network.name}`,
      count: count * factor * network.factor,
      windowMs,
    }));
  });
}

/** The two fixed windows a sliding one is estimated from, at `nowMs`. */
export function windowsAt(counter: Counter, nowMs: number) {
  const at = Math.floor(nowMs / counter.windowMs);
  return {
    current: `${counter.key}:${at}`,
    previous: `${counter.key}:${at - 1}`,
    /** The part of the previous window that still counts, 0…1. */
    previousWeight: 1 - (nowMs % counter.windowMs) / counter.windowMs,
  };
}

/** `current` includes this call. */
export function isOver(
  counter: Counter,
  { current, previous, previousWeight }: {
    current: number;
    previous: number;
    previousWeight: number;
  },
): boolean {
  return current + previous * previousWeight > counter.count;
}

const LOCAL_KEYS_MAX = 50_000;
const local = new Map<string, number>();

/** The same windows in this process alone, for the time Redis is away. */
export function countLocally(counter: Counter, nowMs: number): boolean {
  const { current, previous, previousWeight } = windowsAt(counter, nowMs);
  if (local.size > LOCAL_KEYS_MAX) local.clear();
  const count = (local.get(current) ?? 0) + 1;
  local.set(current, count);
  return isOver(counter, { current: count, previous: local.get(previous) ?? 0, previousWeight });
}
