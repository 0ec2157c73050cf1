import { boolean, index, integer, jsonb, pgTable, smallint, text } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { users } from "./users.ts";

export const releases = pgTable(
  "releases",
  {
    /** 32 lower hex digits. */
    id: text().primaryKey(),
    /** 1 iOS, 2 Android. */
    clientType: smallint().notNull(),
    versionCode: integer().notNull(),
    versionName: text().notNull(),
    description: text().notNull(),
    downloadUrl: text().notNull(),
    forced: boolean().notNull().default(false),
    createdAt: instant().notNull(),
  },
  (table) => [index("releases_newest").on(table.clientType, table.versionCode)],
);

/** What people tell us of the app (反馈). */
export const feedbacks = pgTable("feedbacks", {
  id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
  userId: safeBigint().notNull().references(() => users.id),
  originType: smallint().notNull(),
  originId: text().notNull(),
  type: smallint().notNull(),
  content: text().notNull(),
  images: jsonb().$type<string[]>().notNull(),
  createdAt: instant().notNull(),
});

/** What people tell us of people and rooms (投诉). */
export const reports = pgTable("reports", {
  id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
  userId: safeBigint().notNull().references(() => users.id),
  /** 1 a person, 2 a room. */
  originType: smallint().notNull(),
  originId: text().notNull(),
  reasonType: smallint().notNull(),
  reason: text().notNull(),
  createdAt: instant().notNull(),
});
