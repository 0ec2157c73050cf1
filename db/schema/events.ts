import { sql } from "drizzle-orm";
import { index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { rooms } from "./rooms.ts";
import { users } from "./users.ts";

/** An announced room (gateway's event, 日程). */
export const events = pgTable(
  "events",
  {
    /** 32 lower hex digits. */
    id: text().primaryKey(),
    creatorId: safeBigint().notNull().references(() => users.id),
    name: text().notNull(),
    description: text().notNull().default(""),
    eventAt: instant().notNull(),
    roomId: text().references(() => rooms.id),
    createdAt: instant().notNull(),
    deletedAt: instant(),
  },
  (table) => [
    index("events_coming").on(table.eventAt, table.id).where(sql`deleted_at is null`),
  ],
);

export const eventMembers = pgTable(
  "event_members",
  {
    eventId: text().notNull().references(() => events.id),
    userId: safeBigint().notNull().references(() => users.id),
    position: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.eventId, table.userId] })],
);

export const eventReminders = pgTable(
  "event_reminders",
  {
    eventId: text().notNull().references(() => events.id),
    userId: safeBigint().notNull().references(() => users.id),
    createdAt: instant().notNull(),
    remindedAt: instant(),
  },
  (table) => [primaryKey({ columns: [table.eventId, table.userId] })],
);
