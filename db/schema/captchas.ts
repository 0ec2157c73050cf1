import { index, jsonb, pgTable, primaryKey, text, timestamp } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";

const instants = () =>
  timestamp({ withTimezone: true, precision: 3, mode: "date" }).array().notNull();

/** The last sends to a number: enough to decide its limits in one statement. */
export const captchaSends = pgTable(
  "captcha_sends",
  {
    countryCode: text().notNull(),
    mobile: text().notNull(),
    /** Of all purposes, newest first, as many as a day has. */
    sentAt: instants(),
    /** The same of what only its owner's devices and networks may ask, beyond the above. */
    knownSentAt: instants().default([]),
    /** When the last was sent, ms, by what shares a minute. */
    minutes: jsonb().$type<Record<string, number>>().notNull().default({}),
    /** By purpose, the network that asked for the code that is good now. */
    askedFrom: jsonb().$type<Record<string, string>>().notNull().default({}),
    /** When somebody nobody knows asked last. */
    strangerAt: instant(),
  },
  (table) => [primaryKey({ columns: [table.countryCode, table.mobile] })],
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
