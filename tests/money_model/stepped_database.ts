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
  type Client = Awaited<ReturnType<Pool["connect"]>>;
  const openPool = (): Pool => {
    const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: CONNECT_MS });
    // One for each connection, by which the product knows it again.
    const stepped = new WeakMap<object, Client>();
    const steppedOf = (client: pg.PoolClient): Client => {
      const known = stepped.get(client);
      if (known) return known;
      const { processID } = client as unknown as { processID: number };
      const made = {
        query: (text: never, values?: unknown[]) =>
          step({
            at: ++count,
            backendPid: processID,
            send: () => client.query(text, values as never) as unknown as Promise<unknown>,
          }),
        release: (destroy?: boolean) => client.release(destroy),
        on: (event: never, listener: never) => client.on(event, listener),
      } as Client;
      stepped.set(client, made);
      return made;
    };
    return {
      connect: async () => steppedOf(await pool.connect()),
      end: () => pool.end(),
      on: (event: string, listener: (of: unknown) => void) =>
        event === "connect"
          ? pool.on("connect", (client) => listener(steppedOf(client)))
          : pool.on("error", listener),
    } as Pool;
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
