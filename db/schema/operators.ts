import { pgTable, text } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";

export const operatorRoles = ["admin", "operator", "auditor"] as const;
export type OperatorRole = (typeof operatorRoles)[number];

/** Somebody who may use the admin and ops surfaces. */
export const operators = pgTable("operators", {
  id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
  name: text().notNull(),
  role: text({ enum: operatorRoles }).notNull(),
  /** The Mixin user who may log in as this operator. */
  mixinUserId: text().unique(),
  createdAt: instant().notNull(),
  disabledAt: instant(),
});

/** A key of a payout script: HTTP Basic `id:secret`, good for the groups listed. */
export const opsKeys = pgTable("ops_keys", {
  id: text().primaryKey(),
  /** Keyed hash of the secret. */
  secretHash: text().notNull(),
  name: text().notNull(),
  /** Groups the key may speak for; null: all of them. */
  groupIds: safeBigint().array(),
  createdAt: instant().notNull(),
  disabledAt: instant(),
});
