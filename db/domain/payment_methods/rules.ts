/** Most ways to be paid that one person's list shows. */
export const METHODS_COUNT_MAX = 100;
