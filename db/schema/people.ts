import { sql } from "drizzle-orm";
import { index, integer, pgTable, smallint, text, uniqueIndex } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { users } from "./users.ts";

/** A person's verified name; the number of the id card is sealed and found by its blind index. */
export const realNames = pgTable(
  "real_names",
  {
    userId: safeBigint().primaryKey().references(() => users.id),
    name: text().notNull(),
    idType: text().notNull(),
    idNoSealed: text().notNull(),
    idNoIndex: text().notNull(),
    createdAt: instant().notNull(),
  },
  (table) => [index("real_names_id_no").on(table.idNoIndex)],
);

/** `payment_methods.type` of the admin contract; 4 is also im's bank card. */
export const PaymentType = { wechat: 1, alipay: 2, bankCard: 4 } as const;

/** A way to pay a person: what admin lists, im binds as a bank card, and the payout CSV prints. */
export const paymentMethods = pgTable(
  "payment_methods",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity({ startWith: 123_456 }),
    userId: safeBigint().notNull().references(() => users.id),
    type: smallint().notNull(),
    name: text().notNull(),
    accountSealed: text().notNull(),
    accountIndex: text().notNull(),
    /** What may be shown of the account: its last four characters. */
    accountLast4: text().notNull(),
    /** A QR code's text (WeChat, Alipay) or the bank's name. */
    extra0: text().notNull().default(""),
    /** The bank's branch. */
    extra1: text().notNull().default(""),
    bankCode: text().notNull().default(""),
    /** `DC` debit or `CC` credit, of bank cards. */
    cardType: text().notNull().default(""),
    phone: text().notNull().default(""),
    /** Place in the person's list, from 1. */
    position: integer().notNull().default(0),
    /** What it may take in, 分 and times; 0: no limit (admin contract). */
    moneyPerTxMin: safeBigint().notNull().default(0),
    moneyPerTxMax: safeBigint().notNull().default(0),
    timesPerDayMax: integer().notNull().default(0),
    moneyPerDayMax: safeBigint().notNull().default(0),
    moneyMax: safeBigint().notNull().default(0),
    /** 1 usable, 0 not. */
    status: smallint().notNull().default(1),
    createdAt: instant().notNull(),
    removedAt: instant(),
  },
  (table) => [
    uniqueIndex("payment_methods_account").on(table.userId, table.type, table.accountIndex)
      .where(sql`removed_at is null`),
    index("payment_methods_found").on(table.accountIndex).where(sql`removed_at is null`),
  ],
);
