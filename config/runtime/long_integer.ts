/**
 * An integer of up to 64 bits that others have chosen: a number where a double holds it, its digits
 * where a double would round it. Each has this one form, so `===`, sets, JSON and PostgreSQL tell
 * two of them apart.
 */
export type LongInteger = number | `${bigint}`;

/** What 64 bits with a sign hold. */
export const LONG_INTEGER_MAX = 2n ** 63n - 1n;

/** @param written a number as PostgreSQL, JSON or a socket have it, without leading zeros */
export function longIntegerOf(written: string | bigint): LongInteger {
  const number = Number(written);
  return Number.isSafeInteger(number) ? number : `${BigInt(written)}`;
}

/** A number that `JSON.stringify` writes with all its digits. */
export interface RawJson {
  rawJSON: string;
}

/** V8 has had both for longer than TypeScript describes them. */
const exactJson = JSON as unknown as {
  rawJSON(text: string): RawJson;
  parse(text: string, reviver: (key: string, value: unknown, context: Context) => unknown): unknown;
};
interface Context {
  /** The text of what is no object and no list. */
  source?: string;
}

/** As a number in JSON that others read: they may have all 64 bits. */
export function jsonNumberOf(value: LongInteger): number | RawJson {
  return typeof value === "number" ? value : exactJson.rawJSON(value);
}

/** `JSON.parse` that leaves integers which a double would round as their digits. */
export function parseExactly(text: string): unknown {
  return exactJson.parse(
    text,
    (_, value, { source = "" }) =>
      typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
        ? source
        : value,
  );
}
