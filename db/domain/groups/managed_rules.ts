/** How far into a list operators may page, and how many of what is searched for are counted. */
export const LISTED_COUNT_MAX = 10_000;
/** Longest keyword of a search, characters. */
export const KEYWORD_LENGTH_MAX = 64;

/** The number somebody searches for, if it may be one. */
export function numberIn(keyword: string): number | undefined {
  return /^\d{1,15}$/.test(keyword) ? Number(keyword) : undefined;
}

/** The uid somebody searches for: 32 hex digits, or the same written as a UUID. */
export function uidIn(keyword: string): string | undefined {
  const digits = keyword.toLowerCase().replaceAll("-", "");
  return /^[a-f0-9]{32}$/.test(digits) ? digits : undefined;
}
