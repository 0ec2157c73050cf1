import { index, pgTable, text } from "drizzle-orm/pg-core";
import { instant } from "./columns.ts";

/** The duplicate-call guard while Redis is away: a key here has been used until it expires. */
export const callGuards = pgTable(
  "call_guards",
  { key: text().primaryKey(), expiresAt: instant().notNull() },
  (table) => [index("call_guards_expiry").on(table.expiresAt)],
);
