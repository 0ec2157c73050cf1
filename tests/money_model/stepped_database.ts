import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import type { Database, Db } from "../../db/client/ctx.ts";
import { overPool, type Pool } from "../../db/client/pool.ts";

/** A statement about to be sent; BEGIN and COMMIT are statements too. */
export interface Statement {
  /** 1, 2, 3 … since the database was opened. */
  at: number;
  /** The server process that would run it. */
  backendPid: number;
  send(): Promise<unknown>;
}

type Send = (text: unknown, values?: unknown[]) => Promise<unknown>;

const CONNECT_MS = 10_000;
const STATEMENT_MS = 20_000;

/**
 * The product's own handle on a PostgreSQL, but every statement goes through `step`, which may send
 * it, or not, and may do something before or after: so whatever a flow comes to issue is counted.
 */
export function openStepped(
  url: string,
  step: (statement: Statement) => Promise<unknown>,
): Database {
  let count = 0;
  const openPool = (): Pool => {
    const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: CONNECT_MS });
    // The product knows its connections by who they are: each stays the client it is.
    pool.on("connect", (client) => {
      const { processID: backendPid } = client as unknown as { processID: number };
      const query = client.query.bind(client) as Send;
      client.query = ((text, values) =>
        step({
          at: ++count,
          backendPid,
          send: () => query(text, values),
        })) as Send as never;
    });
    return pool as unknown as Pool;
  };
  return overPool({
    kind: "pg",
    statementMs: STATEMENT_MS,
    prepares: true,
    openPool,
    drizzle: (client) =>
      drizzle({ client: client as unknown as pg.Pool, casing: "snake_case" }) as unknown as Db,
    migrate: () => Promise.reject(new Error("a stepped database is migrated already")),
  });
}
