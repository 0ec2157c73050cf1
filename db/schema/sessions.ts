import { sql } from "drizzle-orm";
import {
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { users } from "./users.ts";

/**
 * `sessions.kind`: one live session per person and kind, the newest wins; of `web`, which is
 * browsers and desktops, one for each device, `WEB_SESSIONS_COUNT_MAX` together. A partner's client
 * keeps its token for good, and it is worth nothing on the gateway and in the chat app.
 */
export const SessionKind = { app: 0, web: 1, partner: 2 } as const;

/** A login. The token itself is never stored, only its SHA-256. */
export const sessions = pgTable(
  "sessions",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    tokenHash: text().notNull().unique(),
    userId: safeBigint().notNull().references(() => users.id),
    kind: smallint().notNull(),
    /** `Client-Type`: 0 web, 1 iOS, 2 Android; absent when the client did not say. */
    clientType: smallint(),
    versionName: text(),
    versionCode: integer(),
    deviceId: safeBigint().references(() => devices.id),
    address: text(),
    createdAt: instant().notNull(),
    expiresAt: instant().notNull(),
    revokedAt: instant(),
  },
  (table) => [
    uniqueIndex("sessions_single").on(table.userId, table.kind)
      .where(sql`revoked_at is null and kind <> 1`),
    uniqueIndex("sessions_of_device").on(table.userId, table.deviceId)
      .where(sql`revoked_at is null and kind = 1`),
    index("sessions_expiry").on(table.expiresAt),
  ],
);

export const devices = pgTable(
  "devices",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    userId: safeBigint().notNull().references(() => users.id),
    deviceId: text().notNull(),
    name: text().notNull().default(""),
    model: text().notNull().default(""),
    createdAt: instant().notNull(),
    lastLoginAt: instant().notNull(),
  },
  (table) => [unique("devices_of_user").on(table.userId, table.deviceId)],
);

/** Where people have logged in from lately: what tells them from strangers who guess. */
export const loginNetworks = pgTable(
  "login_networks",
  {
    userId: safeBigint().notNull().references(() => users.id),
    /** An IPv4 address or an IPv6 /64, as `networksOf` spells it. */
    network: text().notNull(),
    lastLoginAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.network] }),
    index("login_networks_last").on(table.lastLoginAt),
  ],
);
