import {
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";

/**
 * The last version given out to a person: rises with each of their rows below, and is never behind
 * the clock (ms since 1970), so that what has a time alone can be compared. Its row lock orders them.
 */
export const syncVersions = pgTable("sync_versions", {
  userId: safeBigint().primaryKey(),
  version: safeBigint().notNull(),
});

/** Where a person is in a conversation, and what they have begun to write there. */
export const conversationExtras = pgTable(
  "conversation_extras",
  {
    userId: safeBigint().notNull(),
    channelType: smallint().notNull(),
    /** As in `inbox`. */
    channelId: safeBigint().notNull(),
    /** Numbers of the person's inbox. */
    browseTo: safeBigint().notNull(),
    keepMessageSeq: safeBigint().notNull(),
    /** Pixels. */
    keepOffsetY: integer().notNull(),
    draft: text().notNull(),
    version: safeBigint().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.channelType, table.channelId] }),
    index("conversation_extras_sync").on(table.userId, table.version),
  ],
);

/** Somebody was mentioned in a group, and has seen it or not. */
export const reminders = pgTable(
  "reminders",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    /** Who was mentioned. */
    userId: safeBigint().notNull(),
    messageId: safeBigint().notNull(),
    groupId: safeBigint().notNull(),
    version: safeBigint().notNull(),
    doneAt: instant(),
  },
  (table) => [
    uniqueIndex("reminders_once").on(table.userId, table.messageId),
    index("reminders_sync").on(table.userId, table.version),
  ],
);

/** What became of a message, as one person is shown it: its sender, or somebody who has read it. */
export const messageExtras = pgTable(
  "message_extras",
  {
    messageId: safeBigint().notNull(),
    userId: safeBigint().notNull(),
    channelType: smallint().notNull(),
    /** As in the person's `inbox`. */
    channelId: safeBigint().notNull(),
    version: safeBigint().notNull(),
    /** Of the sender's row: how many have read it. */
    readCount: integer().notNull().default(0),
    /** Absent in the sender's row. */
    readAt: instant(),
  },
  (table) => [
    primaryKey({ columns: [table.messageId, table.userId] }),
    index("message_extras_sync")
      .on(table.userId, table.channelType, table.channelId, table.version),
  ],
);
