import { pgTable, text } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";

/** A partner: a tenant with users, groups and messages of its own. */
export const apps = pgTable("apps", {
  id: safeBigint().primaryKey().generatedAlwaysAsIdentity({ startWith: 1001 }),
  name: text().notNull(),
  /** Keyed hash of the MD5 of the secret, which is what the contract sends. */
  secretHash: text().notNull(),
  /** Still good while the partner rolls out a new secret. */
  secretHashPrevious: text(),
  /** Addresses the partner's server may call from; null: any. */
  addresses: text().array(),
  createdAt: instant().notNull(),
  disabledAt: instant(),
});
