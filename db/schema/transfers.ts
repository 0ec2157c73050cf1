import { sql } from "drizzle-orm";
import { check, index, pgTable, text } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { transactions } from "./ledger.ts";
import { users } from "./users.ts";

export const transferStates = ["waiting", "received", "refunded"] as const;
export type TransferState = (typeof transferStates)[number];

/** Money one person sends another; held until it is received or goes back. */
export const transfers = pgTable(
  "transfers",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    transferNo: text().notNull().unique(),
    senderId: safeBigint().notNull().references(() => users.id),
    receiverId: safeBigint().notNull().references(() => users.id),
    /** 分 */
    amount: safeBigint().notNull(),
    remark: text().notNull().default(""),
    state: text({ enum: transferStates }).notNull().default("waiting"),
    transactionId: safeBigint().notNull().references(() => transactions.id),
    createdAt: instant().notNull(),
    expiresAt: instant().notNull(),
    receivedAt: instant(),
    refundedAt: instant(),
  },
  (table) => [
    index("transfers_due").on(table.expiresAt, table.id).where(sql`state = 'waiting'`),
    check("transfers_amount", sql`amount > 0`),
    check("transfers_people", sql`sender_id <> receiver_id`),
  ],
);
