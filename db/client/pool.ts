import { sql } from "drizzle-orm";
import { withDeadline } from "../../config/runtime/deadline.ts";
import { trip } from "../../config/runtime/trips.ts";
import type { Database, Db, Transact } from "./ctx.ts";
import { isNameUnknown, isPlanStale, retryLostRaces, sqlStateOf } from "./errors.ts";
import {
  CONNECT_TIMEOUT_MS,
  MIGRATION_LOCK,
  MIGRATION_TIMEOUT_MS,
  PREPARED_COUNT_MAX,
} from "./limits.ts";
import { StatementNames } from "./statement_names.ts";

/** How often connections nobody needs are given back to the pool, ms. */
const LOOK_MS = 5_000;

export interface Pool {
  connect(): Promise<PoolClient>;
  end(): Promise<void>;
  /** Borrowers who wait for a connection to be given back. */
  readonly waitingCount: number;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "connect", listener: (client: PoolClient) => void): unknown;
}

interface PoolClient {
  query: Query;
  release(destroy?: boolean): void;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
}

type Query = (query: Statement | string, values?: unknown[]) => Promise<unknown>;

/** As Drizzle hands it to a driver, which sends statements with a name once a connection. */
interface Statement {
  text: string;
  name?: string | undefined;
}

export interface PoolDriver {
  kind: Database["kind"];
  statementMs: number;
  /** Whether statements may stay prepared on their connections. */
  prepares: boolean;
  openPool: (timeoutMs: number) => Pool;
  drizzle: (client: { query: Query }) => Db;
  migrate: (db: Db, folder: string) => Promise<void>;
}

export function overPool(driver: PoolDriver): Database {
  const names = new StatementNames({ isOn: driver.prepares });
  const pool = new SafePool(driver.openPool(driver.statementMs), names);
  const handle = (query: Query): Db =>
    driver.drizzle({ query: (text, values) => trip("sql", () => query(text, values)) });

  // Drizzle's own transaction leaks the connection when BEGIN fails and hides the first error when
  // ROLLBACK fails on a dead one.
  const transact: Transact = (work) =>
    pool.lend(async (connection) => {
      const db = handle(connection.query);
      await db.execute(sql`begin`);
      try {
        const result = await work(db);
        const { command } = await db.execute(sql`commit`) as unknown as { command: string };
        if (command === "ROLLBACK") throw new TransactionAbortedError();
        return result;
      } catch (error) {
        // Behind a statement without an answer ROLLBACK would wait for it; closing the connection
        // does the same.
        if (!connection.isLost()) await db.execute(sql`rollback`).catch(connection.lose);
        throw error;
      }
    });

  return {
    kind: driver.kind,
    db: handle((text, values) =>
      retryLostRaces(() => pool.lend(({ query }) => query(text, values)))
    ),
    transact: (work) => retryLostRaces(() => transact(work)),
    async migrate(folder) {
      const unnamed = new StatementNames({ isOn: false });
      const patient = new SafePool(driver.openPool(MIGRATION_TIMEOUT_MS), unnamed);
      try {
        await patient.lend(async ({ query }) => {
          const db = handle(query);
          // The lock ends with the transaction: one of the session would outlive this process
          // behind a pooler. Drizzle's own BEGIN is then one too many, which is only a notice.
          await db.execute(sql`begin`);
          await db.execute(sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
          await driver.migrate(db, folder);
        });
      } finally {
        await patient.close();
      }
    },
    close: () => pool.close(),
  };
}

interface Connection {
  query: Query;
  isLost: () => boolean;
  lose: (why: Error) => void;
}

/** Takes back only connections that are sure to be idle, and whose borrower is done with them. */
class SafePool {
  readonly #pool: Pool;
  readonly #names: StatementNames;
  /** What each connection has prepared. */
  readonly #prepared = new WeakMap<PoolClient, Set<string>>();
  readonly #open = new Set<Promise<void>>();
  /** Connections at hand, the last used last: asking the pool for one costs timers and turns. */
  #atHand: PoolClient[] = [];
  /** Those nobody has needed since the last look. */
  #unneededCount = 0;
  #looking: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(pool: Pool, names: StatementNames) {
    this.#pool = pool;
    this.#names = names;
    // An idle connection that is cut (Neon suspends, an operator restarts) raises `error` on the
    // pool, one in use raises it on its client; unheard, either would end the process.
    pool.on("error", () => {});
    pool.on("connect", (client) => {
      client.on("error", () => this.#forget(client));
      client.on("end", () => this.#forget(client));
      const ended = new Promise<void>((resolve) => client.on("end", resolve));
      this.#open.add(ended);
      this.#prepared.set(client, new Set());
      ended.then(() => this.#open.delete(ended));
    });
  }

  async lend<T>(borrow: (connection: Connection) => Promise<T>): Promise<T> {
    const client = this.#atHand.pop() ?? await this.#pool.connect().catch(throwError);
    this.#unneededCount = Math.min(this.#unneededCount, this.#atHand.length);
    const prepared = this.#prepared.get(client)!;
    let lost: Error | undefined;
    const lose = (why: Error) => lost ??= why;
    const query: Query = async (statement, values) => {
      if (lost) throw lost;
      try {
        return await client.query(this.#named(statement, values, prepared), values)
          .catch(throwError);
      } catch (error) {
        if (isPlanStale(error)) this.#names.renew();
        else if (isNameUnknown(error)) this.#names.turnOff();
        else if (!isAnswer(error)) lose(error as Error);
        throw error;
      }
    };
    try {
      return await borrow({ query, isLost: () => lost !== undefined, lose });
    } finally {
      // One that holds as much as it may ends, and everything on it.
      this.#takeBack(client, lost !== undefined || prepared.size > PREPARED_COUNT_MAX);
      // Nobody may speak on it any more: the next borrower may be in the middle of a transaction.
      lose(new Error("this statement came after the end of its transaction"));
    }
  }

  #takeBack(client: PoolClient, ends: boolean): void {
    if (ends || this.#isClosed || this.#pool.waitingCount > 0) return client.release(ends);
    this.#atHand.push(client);
    this.#looking ??= setTimeout(() => this.#giveUnneeded(), LOOK_MS);
  }

  /** The pool closes those that it has back for a while. */
  #giveUnneeded(): void {
    for (const client of this.#atHand.splice(0, this.#unneededCount)) client.release();
    this.#unneededCount = this.#atHand.length;
    this.#looking = this.#atHand.length > 0
      ? setTimeout(() => this.#giveUnneeded(), LOOK_MS)
      : undefined;
  }

  /** One that was cut while nobody used it. */
  #forget(client: PoolClient): void {
    const at = this.#atHand.indexOf(client);
    if (at < 0) return;
    this.#atHand.splice(at, 1);
    client.release(true);
  }

  /** Only statements with parameters are worth it: those without open and close transactions. */
  #named(
    statement: Statement | string,
    values: unknown[] | undefined,
    prepared: Set<string>,
  ): Statement | string {
    if (typeof statement === "string" || !values?.length) return statement;
    const name = this.#names.nameOf(statement.text);
    // Drizzle gives one it has built beforehand a name of its own.
    if (name === undefined) return { ...statement, name };
    prepared.add(name);
    return { ...statement, name };
  }

  /** Closes every connection; the pool alone would not wait until they are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#looking);
    for (const client of this.#atHand.splice(0)) client.release();
    await this.#pool.end();
    const gone = () => Promise.all(this.#open);
    await withDeadline("closing connections", CONNECT_TIMEOUT_MS, gone).catch(() => {});
  }
}

/** Whether an error is the server's answer to a statement, after which it waits for the next. */
function isAnswer(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state !== undefined && !/^(08...|25P0[34]|57P..|XX...)$/.test(state);
}

/** Neon's driver throws events of its WebSocket as they are. */
function throwError(reason: unknown): never {
  if (reason instanceof Error) throw reason;
  const { message } = reason as { message?: unknown };
  throw new Error(`Connection terminated: ${message}`, { cause: reason });
}

/** COMMIT rolls back, without an error, when a statement before it failed and was forgiven. */
class TransactionAbortedError extends Error {
  readonly code = "25P02";
  constructor() {
    super("the transaction was rolled back: one of its statements had failed");
  }
}
