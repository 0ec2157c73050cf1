import { index, integer, jsonb, pgTable, text } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";

export const operatorRoles = ["admin", "operator", "auditor"] as const;
export type OperatorRole = (typeof operatorRoles)[number];

/** Somebody who may use the admin and ops surfaces. */
export const operators = pgTable("operators", {
  id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
  name: text().notNull(),
  role: text({ enum: operatorRoles }).notNull(),
  mixinUserId: text().unique(),
  /** Raised by whatever ends all their tokens: those of another generation are dead for good. */
  generation: integer().notNull().default(0),
  createdAt: instant().notNull(),
  lastLoginAt: instant(),
  disabledAt: instant(),
});

/** A key of a payout script: HTTP Basic `id:secret`, good for the groups listed. */
export const opsKeys = pgTable("ops_keys", {
  id: text().primaryKey(),
  secretHash: text().notNull(),
  /** The secret before, good beside the new one for as long as whoever rotated it asked. */
  secretHashPrevious: text(),
  previousUntil: instant(),
  name: text().notNull(),
  /** Groups the key may speak for; null: all of them. */
  groupIds: safeBigint().array(),
  createdAt: instant().notNull(),
  /** To the minute. */
  lastUsedAt: instant(),
  disabledAt: instant(),
});

/** Tokens that are no longer good before they end; kept until they would have ended anyway. */
export const revokedTokens = pgTable("revoked_tokens", {
  jti: text().primaryKey(),
  operatorId: safeBigint().notNull().references(() => operators.id),
  expiresAt: instant().notNull(),
  revokedAt: instant().notNull(),
});

/** Every change an operator (or a payout script's key) has made. */
export const operatorActions = pgTable(
  "operator_actions",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    at: instant().notNull(),
    /** One of the two: who did it. */
    operatorId: safeBigint().references(() => operators.id),
    opsKeyId: text().references(() => opsKeys.id),
    action: text().notNull(),
    /** What was changed: `withdrawal:<no>`, `user:<id>`. */
    target: text().notNull(),
    /** As it was and as it is; null: it was not there, or is no more. */
    before: jsonb(),
    after: jsonb(),
    requestId: text().notNull(),
  },
  (table) => [index("operator_actions_target").on(table.target, table.id)],
);
