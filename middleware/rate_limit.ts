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

/** The fixed window that `nowMs` is in; a sliding one is estimated from it and the one before. */
export function windowAt({ windowMs }: Pick<Counter, "windowMs">, nowMs: number) {
  return {
    /** The window's number. */
    at: Math.floor(nowMs / windowMs),
    /** The part of the previous window that still counts, 0…1. */
    previousWeight: 1 - (nowMs % windowMs) / windowMs,
  };
}

/** What Redis counts window `at` and the one before under. */
export function windowKeys({ key }: Pick<Counter, "key">, at: number) {
  return { current: `${key}:${at}`, previous: `${key}:${at - 1}` };
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
