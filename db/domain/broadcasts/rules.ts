export const RECEIVERS_COUNT_MAX = 1_000;
export const DELIVERY_COUNT = 1_000;
