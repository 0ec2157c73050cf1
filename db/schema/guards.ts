import { index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant } from "./columns.ts";

/** What may be done once within a time: a key here has been used until it expires. */
export const callGuards = pgTable(
  "call_guards",
  { key: text().primaryKey(), expiresAt: instant().notNull() },
  (table) => [index("call_guards_expiry").on(table.expiresAt)],
);

/** How many wrong passwords or codes may still be given: by what is guessed, and from where. */
export const tries = pgTable(
  "tries",
  {
    subject: text().notNull(),
    /** A network, `own` for the person's own devices and sessions, or empty for all together. */
    network: text().notNull(),
    leftCount: integer().notNull(),
    endsAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.subject, table.network] }),
    index("tries_end").on(table.endsAt),
  ],
);
