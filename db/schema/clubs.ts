import { index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { users } from "./users.ts";

/** A circle of people rooms are opened in (gateway's club). */
export const clubs = pgTable("clubs", {
  /** 32 lower hex digits. */
  id: text().primaryKey(),
  ownerId: safeBigint().notNull().references(() => users.id),
  name: text().notNull(),
  cover: text().notNull(),
  /** Always the number of its rows in `club_members`. */
  memberCount: integer().notNull().default(0),
  createdAt: instant().notNull(),
  deletedAt: instant(),
});

export const clubMembers = pgTable(
  "club_members",
  {
    clubId: text().notNull().references(() => clubs.id),
    userId: safeBigint().notNull().references(() => users.id),
    joinedAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.clubId, table.userId] }),
    index("club_members_newest").on(table.clubId, table.joinedAt, table.userId),
    index("clubs_of_user").on(table.userId, table.joinedAt, table.clubId),
  ],
);
