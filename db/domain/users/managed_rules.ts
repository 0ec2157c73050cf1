export const BULK_COUNT_MAX = 500;
/** How far into a list of people anybody may page, and how many found ones are counted. */
export const LISTED_COUNT_MAX = 10_000;
export const PAGE_COUNT_MAX = 100;
/** Longest mobile number as typed, with its country and what people put between digits. */
export const MOBILE_LENGTH_MAX = 24;

export function findRepeated<Value>(values: readonly Value[]): Value | undefined {
  const seen = new Set<Value>();
  for (const value of values) {
    if (seen.has(value)) return value;
    seen.add(value);
  }
  return undefined;
}
