export interface Timeouts {
  connectMs?: number;
  statementMs?: number;
}

export interface PoolOptions extends Timeouts {
  /** Whether statements stay prepared on their connections; behind some poolers they cannot. */
  prepares?: boolean;
}

export const CONNECT_TIMEOUT_MS = 1_500;
export const STATEMENT_TIMEOUT_MS = 5_000;
/** How long one statement of a migration may take, waiting for another process' included, ms. */
export const MIGRATION_TIMEOUT_MS = 600_000;
/** How many connections one process keeps; Neon's and Deploy's instances are many and small. */
export const POOL_SIZE_MAX = 10;
/** How many prepared statements one connection holds; each keeps its plan in the server's memory. */
export const PREPARED_COUNT_MAX = 400;
/** Held while migrating, so that two processes never apply the same migration. */
export const MIGRATION_LOCK = 7_000_100_001;
