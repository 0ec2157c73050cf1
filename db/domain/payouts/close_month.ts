import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";

/** Held, shared, by whoever enters payments, and alone by the run that closes a month. */
const MONTHS_LOCK = 7_000_100_002;

/** Keeps months from being closed until the transaction ends. */
export async function holdMonthsOpen(ctx: Ctx): Promise<void> {
  await ctx.db.execute(sql`select pg_advisory_xact_lock_shared(${MONTHS_LOCK})`);
}

/**
 * Waits for payments that are being entered. The run's row is there by now, so whoever enters one
 * after that sees the month closed: what the run counts from here on is complete.
 */
export async function awaitPayments(ctx: Ctx): Promise<void> {
  await ctx.db.execute(sql`select pg_advisory_xact_lock(${MONTHS_LOCK})`);
}
