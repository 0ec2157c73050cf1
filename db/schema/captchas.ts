import { index, pgTable, primaryKey, text, timestamp } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";

/** The last ten sends to a number, newest first: enough to decide its limits in one statement. */
export const captchaSends = pgTable(
  "captcha_sends",
  {
    purpose: text().notNull(),
    countryCode: text().notNull(),
    mobile: text().notNull(),
    sentAt: timestamp({ withTimezone: true, precision: 3, mode: "date" }).array().notNull(),
  },
  (table) => [primaryKey({ columns: [table.purpose, table.countryCode, table.mobile] })],
);

export const captchaAudit = pgTable(
  "captcha_audit",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    purpose: text().notNull(),
    countryCode: text().notNull(),
    mobile: text().notNull(),
    address: text(),
    requestId: text().notNull(),
    at: instant().notNull(),
    failedAt: instant(),
  },
  (table) => [
    index("captcha_audit_number").on(table.countryCode, table.mobile, table.at),
    index("captcha_audit_at").on(table.at),
  ],
);
