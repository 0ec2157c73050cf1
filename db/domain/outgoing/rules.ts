export const PENDING_TRY_COUNT_MAX = 8;
export const ERROR_LENGTH_MAX = 500;

const FIRST_WAIT_MS = 10_000;
/** All waits together stay far below a day: that long receivers remember an id to drop repeats. */
const WAIT_MS_MAX = 15 * 60_000;

export function waitAfter(tryCount: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** Math.max(0, tryCount - 1), WAIT_MS_MAX);
}

export const DEAD_LETTERS_START_MAX = 10_000;
