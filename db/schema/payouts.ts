import { sql } from "drizzle-orm";
import { index, numeric, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { groups } from "./groups.ts";
import { users } from "./users.ts";

/** CNY to four places, as the ops contract writes it. */
const yuan = () => numeric({ precision: 20, scale: 4 });

/** What somebody paid for being in a group; the input of the monthly profits. */
export const subscriptionPayments = pgTable(
  "subscription_payments",
  {
    /** The payer's own number of the payment: told twice it is one payment. */
    traceId: text().primaryKey(),
    groupId: safeBigint().notNull().references(() => groups.id),
    userId: safeBigint().notNull().references(() => users.id),
    inviterId: safeBigint().references(() => users.id),
    amount: yuan().notNull(),
    paidAt: instant().notNull(),
    /** `yyyyMM`: the month whose profits count it; a closed month takes no more. */
    period: text().notNull(),
    createdAt: instant().notNull(),
  },
  (table) => [index("subscription_payments_in_period").on(table.period, table.groupId)],
);

/** `Group`: the owner's share; `Inviter`: that of whoever brought the payer (ops contract). */
export const profitCategories = ["Group", "Inviter"] as const;
export type ProfitCategory = (typeof profitCategories)[number];
/** `init` to be paid out, `error` could not be, `claimed` paid out: a claimed one stays so. */
export const profitStates = ["init", "error", "claimed"] as const;
export type ProfitState = (typeof profitStates)[number];

/** What one person is to be paid out for one month of one group. */
export const profitRecords = pgTable(
  "profit_records",
  {
    /** UUIDv5 of month, group, category and person: a second run makes no second record. */
    serialId: uuid().primaryKey(),
    /** `yyyyMM`, in China. */
    period: text().notNull(),
    groupId: safeBigint().notNull().references(() => groups.id),
    userId: safeBigint().notNull().references(() => users.id),
    category: text({ enum: profitCategories }).notNull(),
    amount: yuan().notNull(),
    state: text({ enum: profitStates }).notNull(),
    description: text().notNull().default(""),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (table) => [
    index("profit_records_newest").on(table.createdAt, table.serialId),
    index("profit_records_of_group").on(table.groupId, table.createdAt, table.serialId),
    index("profit_records_in_state")
      .on(table.groupId, table.state, table.createdAt, table.serialId),
    index("profit_records_of_state").on(table.state, table.createdAt, table.serialId),
    index("profit_records_open").on(table.serialId).where(sql`state <> 'claimed'`),
    index("profit_records_of_user").on(table.userId, table.createdAt),
  ],
);

/** How many records a group has in each state; kept by a trigger. */
export const profitCounts = pgTable("profit_counts", {
  groupId: safeBigint().notNull(),
  state: text({ enum: profitStates }).notNull(),
  count: safeBigint().notNull(),
}, (table) => [primaryKey({ columns: [table.groupId, table.state] })]);
