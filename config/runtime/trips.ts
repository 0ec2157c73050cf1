import { AsyncLocalStorage } from "node:async_hooks";

/** Trips one request made to one store: how many, and how long they took together (ms). */
export interface TripCount {
  count: number;
  ms: number;
}

export interface Trips {
  sql: TripCount;
  redis: TripCount;
}

const current = new AsyncLocalStorage<Trips | undefined>();

export function withTrips<T>(work: (trips: Trips) => T): T {
  const trips: Trips = { sql: { count: 0, ms: 0 }, redis: { count: 0, ms: 0 } };
  return current.run(trips, () => work(trips));
}

/** Trips that are nobody's: of work a request sets off and does not wait for. */
export function withoutTrips<T>(work: () => T): T {
  return current.run(undefined, work);
}

export async function trip<T>(store: keyof Trips, call: () => Promise<T>): Promise<T> {
  const tally = current.getStore()?.[store];
  if (!tally) return await call();
  tally.count += 1;
  const startedAt = performance.now();
  try {
    return await call();
  } finally {
    tally.ms += performance.now() - startedAt;
  }
}

/** `Server-Timing` value: `desc` is the number of trips, `dur` their time in ms. */
export function serverTiming(trips: Trips): string {
  const entry = (name: keyof Trips) =>
    `${name};desc="${trips[name].count}";dur=${trips[name].ms.toFixed(1)}`;
  return `${entry("sql")}, ${entry("redis")}`;
}
