import { sql } from "drizzle-orm";
import {
  boolean,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { groups } from "./groups.ts";
import { users } from "./users.ts";

/** `channel_type` on every wire. */
export const ChannelType = { person: 1, group: 2 } as const;

/**
 * What somebody said, once, however many receive it. Whoever writes one has found its people and its
 * group, in the same statement or just before, and none of them is ever deleted: foreign keys would
 * look each of them up again, and lock it, for every row that a message makes.
 */
export const messages = pgTable(
  "messages",
  {
    /** `message_id`: unique over everything, below 2^53. */
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity({ startWith: 1_000_001 }),
    channelType: smallint().notNull(),
    /** Absent: the system. */
    senderId: safeBigint(),
    receiverId: safeBigint(),
    groupId: safeBigint(),
    /** The sender's own number of it in the channel; a repeat is the same message. */
    clientMsgNo: text(),
    /** A JSON object with an integer `type`, as text: it goes out as it came in. */
    payload: text().notNull(),
    /** The payload's `type`, as far as 32 bits hold it. */
    contentType: integer().notNull().default(0),
    redDot: boolean().notNull(),
    syncOnce: boolean().notNull().default(false),
    /** Those bits of a SEND's setting that are for its receivers, `KeptSetting`. */
    setting: smallint().notNull().default(0),
    createdAt: instant().notNull(),
    /** Lies in a large group's log, from which members copy it. */
    isLogged: boolean().notNull().default(false),
    revokedAt: instant(),
    revokerId: safeBigint().references(() => users.id),
    /** Whose doing the system tells of: to them it is no news. */
    actorId: safeBigint(),
  },
  (table) => [
    uniqueIndex("messages_once_to_person").on(table.senderId, table.clientMsgNo, table.receiverId)
      .where(sql`client_msg_no is not null and receiver_id is not null`),
    uniqueIndex("messages_once_to_group").on(table.senderId, table.clientMsgNo, table.groupId)
      .where(sql`client_msg_no is not null and group_id is not null`),
    index("messages_of_group").on(table.groupId, table.id).where(sql`group_id is not null`),
  ],
);

/** What one person has received and sent: dense numbers, allocated with the message. */
export const inbox = pgTable(
  "inbox",
  {
    userId: safeBigint().notNull(),
    /** `message_seq`, 1, 2, 3… without gaps for each person. */
    seq: safeBigint().notNull(),
    messageId: safeBigint().notNull(),
    channelType: smallint().notNull(),
    /** The channel as its owner sees it: the other person's id, or the group's. */
    channelId: safeBigint().notNull(),
    deletedAt: instant(),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.seq] }),
    uniqueIndex("inbox_message").on(table.userId, table.messageId),
    index("inbox_channel").on(table.userId, table.channelType, table.channelId, table.seq),
  ],
);

/** The last number given out in a person's inbox; its row lock orders their messages. */
export const inboxHeads = pgTable("inbox_heads", {
  userId: safeBigint().primaryKey(),
  lastSeq: safeBigint().notNull().default(0),
  /** `syncack`: everything up to here has been fetched; never goes back, reads nothing. */
  ackedSeq: safeBigint().notNull().default(0),
  /** A device has confirmed what was pushed up to here; never goes back, clears nothing. */
  deliveredSeq: safeBigint().notNull().default(0),
  /** A partner's client has been shown everything up to here as history; never goes back. */
  shownSeq: safeBigint().notNull().default(0),
});

/** Every message changes rows of it: what changes stands in no index. */
export const conversations = pgTable(
  "conversations",
  {
    userId: safeBigint().notNull(),
    channelType: smallint().notNull(),
    channelId: safeBigint().notNull(),
    /** The newest that may stand in it, no command; at or below `cleared_seq` it is not listed. */
    lastSeq: safeBigint().notNull(),
    /** Those behind `read_seq` that count (`countsFor`) and have not been thrown away. */
    unreadCount: integer().notNull().default(0),
    /** The owner has read everything up to here; never goes back. */
    readSeq: safeBigint().notNull().default(0),
    /** The owner threw away everything up to here. */
    clearedSeq: safeBigint().notNull().default(0),
    /** The owner took it off the list when this was its newest; what comes after brings it back. */
    hiddenSeq: safeBigint().notNull().default(0),
    updatedAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.channelType, table.channelId] }),
  ],
);

/** The last number given out in a large group's log. */
export const groupHeads = pgTable("group_heads", {
  groupId: safeBigint().primaryKey().references(() => groups.id),
  lastSeq: safeBigint().notNull().default(0),
});

/** Messages of a large group, kept once; a member's sync copies what is new into their inbox. */
export const groupLogs = pgTable(
  "group_logs",
  {
    groupId: safeBigint().notNull().references(() => groups.id),
    seq: safeBigint().notNull(),
    messageId: safeBigint().notNull().references(() => messages.id),
  },
  (table) => [primaryKey({ columns: [table.groupId, table.seq] })],
);
