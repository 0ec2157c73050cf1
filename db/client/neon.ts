import { neonConfig, Pool as NeonPool } from "@neondatabase/serverless";
import { drizzle } from "drizzle-orm/neon-serverless";
import type { Database, Db } from "./ctx.ts";
import {
  CONNECT_TIMEOUT_MS,
  POOL_SIZE_MAX,
  type PoolOptions,
  STATEMENT_TIMEOUT_MS,
} from "./limits.ts";
import { overPool, type Pool } from "./pool.ts";

const CLOSE_TIMEOUT_MS = 500;

/**
 * A WebSocket that is closed soon after `close()`. The usual one waits for the other side's
 * good-bye, and the driver keeps a place in the pool until then: a few connections that go silent
 * while they are being made would leave no place, for ever.
 */
class ClosingWebSocket extends WebSocket {
  override close(code?: number, reason?: string): void {
    super.close(code, reason);
    if (this.readyState === WebSocket.CLOSED) return;
    const timer = setTimeout(() => this.dispatchEvent(new CloseEvent("close")), CLOSE_TIMEOUT_MS);
    this.addEventListener("close", () => clearTimeout(timer));
  }
}

export function openNeon(
  url: string,
  { connectMs = CONNECT_TIMEOUT_MS, statementMs = STATEMENT_TIMEOUT_MS, prepares = true }:
    PoolOptions = {},
): Database {
  neonConfig.webSocketConstructor = ClosingWebSocket;
  // The driver waits 2 ms to join writes into one frame; with one statement at a time there is
  // nothing to join, and a transaction of many statements pays it for each.
  neonConfig.coalesceWrites = false;
  return overPool({
    kind: "neon",
    statementMs,
    prepares,
    openPool: (timeoutMs) =>
      new NeonPool({
        connectionString: url,
        max: POOL_SIZE_MAX,
        connectionTimeoutMillis: connectMs,
        // Neon's pooler refuses session settings at start-up, so the deadline is kept on this side.
        query_timeout: timeoutMs,
      }) as unknown as Pool,
    drizzle: (client) =>
      drizzle({ client: client as unknown as NeonPool, casing: "snake_case" }) as unknown as Db,
    async migrate(db, folder) {
      // Loaded here, so that a start, which never migrates a real database, does not pay for it.
      const { migrate } = await import("drizzle-orm/neon-serverless/migrator");
      await migrate(db as unknown as Parameters<typeof migrate>[0], { migrationsFolder: folder });
    },
  });
}
