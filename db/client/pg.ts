import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import type { Database, Db } from "./ctx.ts";
import {
  CONNECT_TIMEOUT_MS,
  POOL_SIZE_MAX,
  type PoolOptions,
  STATEMENT_TIMEOUT_MS,
} from "./limits.ts";
import { overPool, type Pool } from "./pool.ts";

export function openPg(
  url: string,
  { connectMs = CONNECT_TIMEOUT_MS, statementMs = STATEMENT_TIMEOUT_MS, prepares = true }:
    PoolOptions = {},
): Database {
  return overPool({
    kind: "pg",
    statementMs,
    prepares,
    openPool: (timeoutMs) =>
      new pg.Pool({
        connectionString: url,
        max: POOL_SIZE_MAX,
        connectionTimeoutMillis: connectMs,
        statement_timeout: timeoutMs,
        lock_timeout: timeoutMs,
        idle_in_transaction_session_timeout: timeoutMs,
        // The server's own timeout comes first; this one is for a server that is gone without a
        // word.
        query_timeout: timeoutMs + 500,
        keepAlive: true,
      }) as unknown as Pool,
    drizzle: (client) =>
      drizzle({ client: client as unknown as pg.Pool, casing: "snake_case" }) as unknown as Db,
    async migrate(db, folder) {
      // Loaded here, so that a start, which never migrates a real database, does not pay for it.
      const { migrate } = await import("drizzle-orm/node-postgres/migrator");
      await migrate(db as unknown as Parameters<typeof migrate>[0], { migrationsFolder: folder });
    },
  });
}
