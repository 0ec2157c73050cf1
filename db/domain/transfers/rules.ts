/** How long a transfer waits for its receiver, ms. */
export const WAITING_LIFE_MS = 24 * 60 * 60 * 1000;
export const REMARK_LENGTH_MAX = 50;
