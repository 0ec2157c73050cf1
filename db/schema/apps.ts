import { boolean, index, pgTable, primaryKey, text, unique } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { users } from "./users.ts";

/**
 * What an app asks of customers it knows already (docs/contracts/partner.md#who-a-customer-is): a
 * device they used before or a proof, always a proof, or nothing.
 */
export const CUSTOMER_PROOFS = ["device", "always", "never"] as const;
export type CustomerProof = (typeof CUSTOMER_PROOFS)[number];

/** A partner: a tenant with users, groups and messages of its own. */
export const apps = pgTable("apps", {
  id: safeBigint().primaryKey().generatedAlwaysAsIdentity({ startWith: 1001 }),
  name: text().notNull(),
  /** Speaks for the house: its users and groups are ours, by their own numbers. */
  isHouse: boolean().notNull().default(false),
  /** Keyed hash of the MD5 of the secret, which is what the contract sends. */
  secretHash: text().notNull(),
  /** Still good while the partner rolls out a new secret. */
  secretHashPrevious: text(),
  /** The secrets themselves, for what is signed with them; null: made before they were kept. */
  secretSealed: text(),
  secretSealedPrevious: text(),
  /** Apps that were there before it was asked go on as they are. */
  customerProof: text({ enum: CUSTOMER_PROOFS }).notNull().default("never"),
  addresses: text().array(),
  createdAt: instant().notNull(),
  disabledAt: instant(),
});

/** A desk of an app where customers are helped. */
export const stores = pgTable("stores", {
  id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
  appId: safeBigint().notNull().references(() => apps.id),
  name: text().notNull(),
  createdAt: instant().notNull(),
}, (table) => [index("stores_of_app").on(table.appId, table.id)]);

/** Who helps at a desk, in the order they were named. */
export const sellers = pgTable("sellers", {
  storeId: safeBigint().notNull().references(() => stores.id),
  userId: safeBigint().notNull().references(() => users.id),
  position: safeBigint().notNull(),
}, (table) => [primaryKey({ columns: [table.storeId, table.userId] })]);

/** Somebody who came through `/auth/customer`; the partner's own id leads to the same person. */
export const customers = pgTable("customers", {
  userId: safeBigint().primaryKey().references(() => users.id),
  appId: safeBigint().notNull().references(() => apps.id),
  /** Null: somebody who did not say. */
  customerId: text(),
  createdAt: instant().notNull(),
  /** A device was theirs once, if none is by now. */
  gaveDevice: boolean().notNull().default(false),
}, (table) => [unique("customers_of_app").on(table.appId, table.customerId)]);

/** Devices a customer came on. */
export const customerDevices = pgTable("customer_devices", {
  userId: safeBigint().notNull().references(() => customers.userId),
  deviceHash: text().notNull(),
  /** Came with a proof; one that did not goes when somebody proves who they are. */
  isProven: boolean().notNull(),
  createdAt: instant().notNull(),
}, (table) => [primaryKey({ columns: [table.userId, table.deviceHash] })]);

/** Who helped a customer last at a desk, and will again. */
export const supporters = pgTable("supporters", {
  userId: safeBigint().notNull().references(() => users.id),
  storeId: safeBigint().notNull().references(() => stores.id),
  sellerId: safeBigint().notNull().references(() => users.id),
}, (table) => [primaryKey({ columns: [table.userId, table.storeId] })]);

/** Who may say nothing in an app's chat rooms, until its server lets them again. */
export const roomMutes = pgTable("room_mutes", {
  userId: safeBigint().primaryKey().references(() => users.id),
  createdAt: instant().notNull(),
});
