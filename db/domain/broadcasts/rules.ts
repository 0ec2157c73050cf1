/** Most people one call names as receivers. */
export const RECEIVERS_COUNT_MAX = 1_000;
/** Members one chunk delivers to. */
export const DELIVERY_COUNT = 1_000;
