import { DrizzleQueryError } from "drizzle-orm";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import type { Bus } from "./bus.ts";
import type { Config } from "./config.ts";
import { DeadlineError } from "./deadline.ts";
import type { Redis, RedisConnection } from "./redis.ts";

/** Rows of a raw `execute`, the same shape behind every driver. */
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

/** Runs `work` in a transaction: commits when it answers, rolls back when it throws. */
export type Transact = <T>(work: (db: Db) => Promise<T>) => Promise<T>;

/** What every verb gets. Inside {@link withTx} `db` is the transaction. */
export interface Ctx {
  db: Db;
  transact: Transact;
  redis: Redis;
  bus: Bus;
  now: () => Date;
  requestId: string;
  config: Config;
}

/** What a process opens once and every context is made of. */
export interface Parts {
  config: Config;
  database: Database;
  redis: RedisConnection;
  bus: Bus;
  now: () => Date;
}

/** The context of one request, or of one job's run. */
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

/** Limits of one database where they are not the usual ones. */
export interface Timeouts {
  connectMs?: number;
  statementMs?: number;
}

/** How long connecting, and one statement, may take, ms. */
export const CONNECT_TIMEOUT_MS = 1_500;
export const STATEMENT_TIMEOUT_MS = 5_000;
/** How long one statement of a migration may take, waiting for another process' included, ms. */
export const MIGRATION_TIMEOUT_MS = 600_000;
/** How many connections one process keeps; Neon's and Deploy's instances are many and small. */
export const POOL_SIZE_MAX = 10;
/** Held while migrating, so that two processes never apply the same migration. */
export const MIGRATION_LOCK = 7_000_100_001;
/** How often a transaction that lost a deadlock or a serialization race is run again. */
const TX_RETRY_COUNT_MAX = 5;

const SERIALIZATION_FAILURE = "40001";
const DEADLOCK_DETECTED = "40P01";

/**
 * Opens the database the configuration names: PGlite under `DATA_DIR` when there is no
 * `DATABASE_URL`, Neon over its WebSocket driver for a Neon host, `pg` over TCP for any other.
 */
export async function openDatabase(
  config: Pick<Config, "databaseUrl" | "dataDir">,
): Promise<Database> {
  if (config.databaseUrl === undefined) {
    const { openPglite } = await import("./client_pglite.ts");
    return await openPglite(`${config.dataDir}/postgres`);
  }
  if (new URL(config.databaseUrl).hostname.endsWith(".neon.tech")) {
    const { openNeon } = await import("./client_neon.ts");
    return openNeon(config.databaseUrl);
  }
  const { openPg } = await import("./client_pg.ts");
  return openPg(config.databaseUrl);
}

/**
 * Runs `work` in one transaction, or in the caller's if there is one already. `work` may be run
 * again (see {@link retryLostRaces}), so it must have no effect outside the database.
 */
export function withTx<T>(ctx: Ctx, work: (ctx: Ctx) => Promise<T>): Promise<T> {
  return ctx.transact((db) => work({ ...ctx, db, transact: (inner) => inner(db) }));
}

/**
 * Runs a transaction, or a statement that is one by itself, again when it lost a deadlock or
 * serialization race; a bounded number of times (M9 of the money invariants), so that no caller
 * ever sees one.
 */
export async function retryLostRaces<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await run();
    } catch (error) {
      const state = sqlStateOf(error);
      const raceLost = state === SERIALIZATION_FAILURE || state === DEADLOCK_DETECTED;
      if (!raceLost || attempt > TX_RETRY_COUNT_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** attempt));
    }
  }
}

/** No class begins with E, but names of system errors such as EPIPE do. */
const SQL_STATE = /^(?!E)[0-9A-Z]{5}$/;

/** The SQLSTATE of a failed statement, looked up through the wrappers of drizzle and the drivers. */
export function sqlStateOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === "string" && SQL_STATE.test(code)) return code;
  }
  return undefined;
}

/** The name of the constraint a statement broke, if that is why it failed. */
export function brokenConstraintOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { constraint } = cause as { constraint?: unknown };
    if (typeof constraint === "string") return constraint;
  }
  return undefined;
}

/** SQLSTATEs that speak of the server, not of the statement: connection lost, shutdown, too slow. */
const SERVER_STATES = /^(08...|25P0[34]|57P0[1235]|57014|53...|55P03)$/;
const CONNECTION_TEXTS = new RegExp(
  "Connection terminated|timeout exceeded when trying to connect|timeout expired|" +
    "Query read timeout|Client was closed|not queryable|" +
    "ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(HOST|NET)UNREACH|ENOTFOUND|EAI_AGAIN",
);

/** Whether a failure says the database is away or overloaded, so that trying again may help. */
export function isDatabaseAway(error: unknown): boolean {
  const state = sqlStateOf(error);
  // Whatever has a SQLSTATE is told by it alone: its text may quote what somebody typed.
  if (state !== undefined) return SERVER_STATES.test(state);
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    // So does drizzle's text, which lists the parameters.
    if (cause instanceof DrizzleQueryError) continue;
    if (cause instanceof DeadlineError || CONNECTION_TEXTS.test(cause.message)) return true;
    if (cause instanceof AggregateError && cause.errors.some(isDatabaseAway)) return true;
  }
  return false;
}
