import { sql } from "drizzle-orm";
import { type AnyPgColumn, check, index, pgTable, text, unique } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { operators } from "./operators.ts";
import { users } from "./users.ts";

/**
 * What an account holds, and what `ownerId` means:
 * - `wallet`: a person's own money (users.id)
 * - `recharge`: what a person has paid in, negative (users.id)
 * - `withdrawal`: what a person has asked to be paid out, held (users.id)
 * - `payout`: what has been paid out to a person's bank (users.id)
 * - `red_packet`: what is left of a packet (red_packets.id)
 * - `transfer`: what waits for its receiver (transfers.id)
 *
 * System accounts are kept per owner, so that no row is everybody's.
 */
export const accountKinds = [
  "wallet",
  "recharge",
  "withdrawal",
  "payout",
  "red_packet",
  "transfer",
] as const;
export type AccountKind = (typeof accountKinds)[number];

/** A place money can be. Balance and version are changed by posting entries alone (a trigger). */
export const accounts = pgTable(
  "accounts",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    kind: text({ enum: accountKinds }).notNull(),
    ownerId: safeBigint().notNull(),
    /** 分; the sum of the account's entries. */
    balance: safeBigint().notNull().default(0),
    /** How many entries there are. */
    version: safeBigint().notNull().default(0),
  },
  (table) => [
    unique("accounts_owner").on(table.kind, table.ownerId),
    check("accounts_not_negative", sql`balance >= 0 or kind = 'recharge'`),
    check("accounts_recharge_source", sql`balance <= 0 or kind <> 'recharge'`),
  ],
);

export const transactionKinds = [
  "recharge",
  "withdraw",
  "withdraw_paid",
  "withdraw_rejected",
  "red_packet_paid",
  "red_packet_opened",
  "red_packet_refunded",
  "transfer_sent",
  "transfer_received",
  "transfer_refunded",
] as const;
export type TransactionKind = (typeof transactionKinds)[number];

/** One movement of money: two or more entries that sum to zero. Never changed. */
export const transactions = pgTable(
  "transactions",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    kind: text({ enum: transactionKinds }).notNull(),
    /** Whose operation it was; a refund is its receiver's. */
    userId: safeBigint().notNull().references(() => users.id),
    operationKey: text().notNull(),
    /** Hash of what was asked for: the same key with something else is a conflict. */
    inputHash: text().notNull(),
    remark: text().notNull().default(""),
    /** The movement this one takes back, wholly or what is left of it; once. */
    reversesId: safeBigint().unique().references((): AnyPgColumn => transactions.id),
    createdAt: instant().notNull(),
  },
  (table) => [unique("transactions_operation").on(table.userId, table.kind, table.operationKey)],
);

/** One account's side of a movement. Append-only; the balances are filled in by the database. */
export const entries = pgTable(
  "entries",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    transactionId: safeBigint().notNull().references(() => transactions.id),
    accountId: safeBigint().notNull().references(() => accounts.id),
    /** 分; negative: out. */
    amount: safeBigint().notNull(),
    balanceAfter: safeBigint().notNull(),
    /** The account's version with this entry: 1, 2, 3 … without gaps. */
    accountVersion: safeBigint().notNull(),
  },
  (table) => [
    unique("entries_version").on(table.accountId, table.accountVersion),
    index("entries_transaction").on(table.transactionId),
    check("entries_amount", sql`amount <> 0`),
  ],
);

export const rechargeStates = ["pending", "credited"] as const;

export const recharges = pgTable(
  "recharges",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    rechargeNo: text().notNull().unique(),
    userId: safeBigint().notNull().references(() => users.id),
    /** The caller's `Idempotency-Key`: the same call again is the same recharge. */
    operationKey: text(),
    amount: safeBigint().notNull(),
    channelType: safeBigint().notNull(),
    state: text({ enum: rechargeStates }).notNull(),
    createdAt: instant().notNull(),
    creditedAt: instant(),
    operatorId: safeBigint().references(() => operators.id),
  },
  (table) => [
    index("recharges_of_user").on(table.userId, table.id),
    unique("recharges_operation").on(table.userId, table.operationKey),
    check("recharges_amount", sql`amount > 0`),
  ],
);

export const withdrawalStates = ["pending", "paid", "rejected"] as const;
export type WithdrawalState = (typeof withdrawalStates)[number];

/** Somebody being paid out; the money is held until an operator has decided. */
export const withdrawals = pgTable(
  "withdrawals",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    withdrawalNo: text().notNull().unique(),
    userId: safeBigint().notNull().references(() => users.id),
    paymentMethodId: safeBigint().notNull(),
    amount: safeBigint().notNull(),
    state: text({ enum: withdrawalStates }).notNull().default("pending"),
    transactionId: safeBigint().notNull().references(() => transactions.id),
    reason: text().notNull().default(""),
    createdAt: instant().notNull(),
    decidedAt: instant(),
    operatorId: safeBigint().references(() => operators.id),
  },
  (table) => [
    index("withdrawals_in_state").on(table.state, table.id),
    index("withdrawals_of_user").on(table.userId, table.id),
    index("withdrawals_of_method").on(table.paymentMethodId, table.decidedAt)
      .where(sql`state = 'paid'`),
    check("withdrawals_amount", sql`amount > 0`),
  ],
);
