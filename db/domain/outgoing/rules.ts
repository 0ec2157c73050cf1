/** Tries after which a piece of work is a dead letter. */
export const PENDING_TRY_COUNT_MAX = 8;
/** Longest text of a failure that is kept. */
export const ERROR_LENGTH_MAX = 500;

const FIRST_WAIT_MS = 10_000;
/** All waits together stay far below a day: that long receivers remember an id to drop repeats. */
const WAIT_MS_MAX = 15 * 60_000;

/** How long after its `tryCount`th failed try a piece of work rests, ms. */
export function waitAfter(tryCount: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** Math.max(0, tryCount - 1), WAIT_MS_MAX);
}

/** How far dead letters can be paged, and are counted. */
export const DEAD_LETTERS_START_MAX = 10_000;
