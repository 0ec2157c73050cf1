import { index, pgTable, primaryKey } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { users } from "./users.ts";

/** Who blocked whom: gateway's block and im's blacklist are this one table. */
export const blocks = pgTable(
  "blocks",
  {
    userId: safeBigint().notNull().references(() => users.id),
    blockedId: safeBigint().notNull().references(() => users.id),
    createdAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.blockedId] }),
    index("blocks_newest").on(table.userId, table.createdAt, table.blockedId),
  ],
);
