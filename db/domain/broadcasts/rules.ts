/** Most people one call names as receivers. */
export const RECEIVERS_COUNT_MAX = 1_000;
/** Members one chunk delivers to. */
export const DELIVERY_COUNT = 1_000;
/** Where the cursor of a broadcast stands that has reached everybody: behind any user's id. */
export const DELIVERED = Number.MAX_SAFE_INTEGER;
