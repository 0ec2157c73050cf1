export interface Timeouts {
  connectMs?: number;
  statementMs?: number;
}

export const CONNECT_TIMEOUT_MS = 1_500;
export const STATEMENT_TIMEOUT_MS = 5_000;
/** How long one statement of a migration may take, waiting for another process' included, ms. */
export const MIGRATION_TIMEOUT_MS = 600_000;
/** How many connections one process keeps; Neon's and Deploy's instances are many and small. */
export const POOL_SIZE_MAX = 10;
/** Held while migrating, so that two processes never apply the same migration. */
export const MIGRATION_LOCK = 7_000_100_001;
