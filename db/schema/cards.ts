import { sql } from "drizzle-orm";
import { boolean, index, pgTable, primaryKey } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { users } from "./users.ts";

/** A card one person gave another. The receiver may throw it away; giving it again revives it. */
export const cards = pgTable(
  "cards",
  {
    fromUserId: safeBigint().notNull().references(() => users.id),
    toUserId: safeBigint().notNull().references(() => users.id),
    createdAt: instant().notNull(),
    deletedAt: instant(),
    /** Its receiver had blocked the giver, who is shown it as kept; it is gone for everybody else. */
    isRefused: boolean().notNull().default(false),
  },
  (table) => [
    primaryKey({ columns: [table.fromUserId, table.toUserId] }),
    index("cards_received").on(table.toUserId, table.createdAt, table.fromUserId)
      .where(sql`deleted_at is null`),
  ],
);
