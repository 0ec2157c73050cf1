/** Most ways to be paid that one person's list shows. */
export const METHODS_COUNT_MAX = 100;

const DAY_MS = 24 * 60 * 60 * 1000;
/** UTC+8: whose midnight a day's limits begin at. */
const CHINA_AHEAD_MS = 8 * 60 * 60 * 1000;

/** When the day of this moment began in UTC+8. */
export function dayBegan(at: Date): Date {
  const there = at.getTime() + CHINA_AHEAD_MS;
  return new Date(there - there % DAY_MS - CHINA_AHEAD_MS);
}
