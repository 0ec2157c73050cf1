export const METHODS_COUNT_MAX = 100;
