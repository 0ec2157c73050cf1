/** Messages one SYNC brings; the client is told of the rest, and asks again. */
export const SYNC_COUNT_MAX = 5_000;
/** Chat rooms one connection is in at once; one more leaves the first. */
export const CHAT_ROOMS_OF_SOCKET_MAX = 16;
/** How long the same words under the same local number are the same message, ms. */
export const REPEAT_MS = 60_000;
