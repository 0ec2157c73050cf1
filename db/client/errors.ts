import { DrizzleQueryError } from "drizzle-orm";
import { DeadlineError } from "../../config/runtime/deadline.ts";

const TX_RETRY_COUNT_MAX = 5;

const SERIALIZATION_FAILURE = "40001";
const DEADLOCK_DETECTED = "40P01";
const UNDEFINED_TABLE = "42P01";
const FEATURE_NOT_SUPPORTED = "0A000";
const INVALID_STATEMENT_NAME = "26000";
const DUPLICATE_STATEMENT = "42P05";

/**
 * Runs a transaction, or a statement by itself, again when it lost a deadlock or serialization
 * race, so that no caller ever sees one (docs/invariants.md, M9).
 */
export async function retryLostRaces<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await run();
    } catch (error) {
      // A statement whose preparation is gone has done nothing yet, as a lost race.
      if (isPlanStale(error) || isNameUnknown(error)) {
        if (attempt > TX_RETRY_COUNT_MAX) throw error;
        continue;
      }
      const state = sqlStateOf(error);
      const raceLost = state === SERIALIZATION_FAILURE || state === DEADLOCK_DETECTED;
      if (!raceLost || attempt > TX_RETRY_COUNT_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** attempt));
    }
  }
}

/** A prepared statement's plan no longer fits the tables: a migration came in between. */
export function isPlanStale(error: unknown): boolean {
  return sqlStateOf(error) === FEATURE_NOT_SUPPORTED &&
    textsOf(error).some((text) => text.includes("cached plan must not change result type"));
}

/** A name the server connection does not know, or knows already: a pooler hands connections on. */
export function isNameUnknown(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === INVALID_STATEMENT_NAME || state === DUPLICATE_STATEMENT;
}

function textsOf(error: unknown): string[] {
  return error instanceof Error ? [error.message, ...textsOf(error.cause)] : [];
}

/** Runs again what failed as `isLost` says, at most `countMax` times in all. */
export async function retry<T>(
  run: () => Promise<T>,
  { isLost, countMax }: { isLost: (error: unknown) => boolean; countMax: number },
): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt >= countMax || !isLost(error)) throw error;
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

/** Whether a table is not there, as in a database whose migrations are still to come. */
export function isTableMissing(error: unknown): boolean {
  return sqlStateOf(error) === UNDEFINED_TABLE;
}

/** Tables, columns, functions and unique indexes that are not there. */
const UNDEFINED = [UNDEFINED_TABLE, "42703", "42883", "42P10"];

/** Whether a statement wants what only a migration still to come makes. */
export function isSchemaBehind(error: unknown): boolean {
  return UNDEFINED.includes(sqlStateOf(error) ?? "");
}

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
    "ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(HOST|NET)UNREACH|ENOTFOUND|EAI_AGAIN|" +
    // Without a descriptor left for a connection, or for a file of our own, there is no database.
    "E[MN]FILE|Too many open files",
);

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
