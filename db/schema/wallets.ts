import { index, integer, pgTable, smallint, text } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { users } from "./users.ts";

/** `status` of GET /wallet/my. */
export const WalletStatus = { unusable: 0, normal: 1, frozen: 2 } as const;

/** What guards a person's money; made when first used. The money itself is in the ledger. */
export const wallets = pgTable("wallets", {
  userId: safeBigint().primaryKey().references(() => users.id),
  status: smallint().notNull().default(WalletStatus.normal),
  /** `scrypt$…`; null: none set yet. */
  payPasswordHash: text(),
  payTryCount: integer().notNull().default(0),
  payLockedUntil: instant(),
  createdAt: instant().notNull(),
});

export const payItems = ["redpacket", "transfer", "withdraw"] as const;
export type PayItem = (typeof payItems)[number];

/** A right pay password, good for one payment of one amount. */
export const payTokens = pgTable(
  "pay_tokens",
  {
    tokenHash: text().primaryKey(),
    userId: safeBigint().notNull().references(() => users.id),
    item: text({ enum: payItems }).notNull(),
    /** 分 */
    amount: safeBigint().notNull(),
    expiresAt: instant().notNull(),
    usedAt: instant(),
  },
  (table) => [index("pay_tokens_expired").on(table.expiresAt)],
);
