import { sql } from "drizzle-orm";
import { index, integer, jsonb, pgTable, text, unique } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";

/**
 * Calls to other services that a committed change asks for. A job makes them, each until it
 * succeeds or has failed too often; then the row is a dead letter.
 */
export const pendingWork = pgTable(
  "pending_work",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    kind: text().notNull(),
    payload: jsonb().notNull(),
    /** The same piece of work is never entered twice. */
    dedupeKey: text().unique(),
    createdAt: instant().notNull(),
    /** Not tried before; while somebody works on it, the end of their lease. */
    dueAt: instant().notNull(),
    /** Rises with each claim: only the newest claimant may finish it. */
    fence: integer().notNull().default(0),
    attemptCount: integer().notNull().default(0),
    lastError: text(),
    doneAt: instant(),
    deadAt: instant(),
  },
  (table) => [
    index("pending_work_due").on(table.dueAt, table.id)
      .where(sql`done_at is null and dead_at is null`),
    index("pending_work_dead").on(table.deadAt, table.id).where(sql`dead_at is not null`),
  ],
);

export const jobStates = ["running", "done", "dead"] as const;

/** One run of one job for one period; unique, so a period's effects happen once. */
export const jobRuns = pgTable(
  "job_runs",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    job: text().notNull(),
    /** `202102`, `2021-02-03T04:05Z`: what the run is for, not when it happened. */
    period: text().notNull(),
    state: text({ enum: jobStates }).notNull(),
    fence: integer().notNull().default(0),
    leaseUntil: instant(),
    attemptCount: integer().notNull().default(0),
    /** Where the next chunk goes on; committed together with the chunk's effects. */
    progress: jsonb(),
    report: jsonb(),
    lastError: text(),
    createdAt: instant().notNull(),
    finishedAt: instant(),
  },
  (table) => [
    unique("job_runs_period").on(table.job, table.period),
    index("job_runs_open").on(table.job, table.id).where(sql`state = 'running'`),
  ],
);
