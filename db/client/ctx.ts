import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import type { Config } from "../../config/config.ts";
import type { Bus, BusEvent } from "../bus/bus.ts";
import type { Redis, RedisConnection } from "../redis/client.ts";

interface Rows<Row> {
  rows: Row[];
}
interface RowsHKT extends PgQueryResultHKT {
  type: Rows<this["row"]>;
}

/**
 * The one handle verbs write SQL with, whichever driver is behind it. Without drizzle's own
 * transactions, which over a pool would leave one open on a connection that goes on to others.
 */
export type Db = Omit<PgDatabase<RowsHKT, Record<string, never>>, "transaction">;

export type Transact = <T>(work: (db: Db) => Promise<T>) => Promise<T>;

/** What every verb gets. Inside {@link withTx} `db` is the transaction and `now` stands still. */
export interface Ctx {
  db: Db;
  transact: Transact;
  redis: Redis;
  bus: Bus;
  now: () => Date;
  requestId: string;
  config: Config;
}

export interface Parts {
  config: Config;
  database: Database;
  redis: RedisConnection;
  bus: Bus;
  now: () => Date;
}

export function contextFor({ config, database, redis, bus, now }: Parts, requestId: string): Ctx {
  const { db, transact } = database;
  return { config, db, transact, redis: redis.redis, bus, now, requestId };
}

export type DatabaseKind = "pglite" | "pg" | "neon";

export interface Database {
  kind: DatabaseKind;
  db: Db;
  transact: Transact;
  /** Applies the migrations in `folder` that are missing; safe to call from several processes. */
  migrate(folder: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Runs `work` in one transaction, or in the caller's if there is one already. `work` may be run
 * again (see `retryLostRaces`), so it must have no effect outside the database; what it publishes is
 * told once it is committed, as the others would look too early. All of it happens at one time, the
 * first its clock says: what is stored, noted and answered agree.
 */
export async function withTx<T>(ctx: Ctx, work: (ctx: Ctx) => Promise<T>): Promise<T> {
  let events: BusEvent[] = [];
  const done = await ctx.transact((db) => {
    let at: Date | undefined;
    const now = () => at ??= ctx.now();
    events = [];
    const bus: Bus = {
      publish: (event) => void events.push(event),
      subscribe: (listener) => ctx.bus.subscribe(listener),
      close: () => ctx.bus.close(),
    };
    return work({ ...ctx, db, bus, now, transact: (inner) => inner(db) });
  });
  for (const event of events) ctx.bus.publish(event);
  return done;
}
