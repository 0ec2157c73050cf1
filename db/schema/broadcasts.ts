import { sql } from "drizzle-orm";
import { index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { groups } from "./groups.ts";
import { messages } from "./messages.ts";
import { operators } from "./operators.ts";

export const broadcastStates = ["queued", "sending", "done"] as const;

/** Where the cursor of a broadcast stands that has reached everybody: behind any user's id. */
export const DELIVERED = Number.MAX_SAFE_INTEGER;

/** An operator's message to a group's members; a job delivers it, each member once. */
export const broadcasts = pgTable(
  "broadcasts",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    groupId: safeBigint().notNull().references(() => groups.id),
    operatorId: safeBigint().notNull().references(() => operators.id),
    text: text().notNull(),
    /** Whom it is for; null: every member there is when it is sent. */
    userIds: safeBigint().array(),
    state: text({ enum: broadcastStates }).notNull().default("queued"),
    /** The message in the members' inboxes, made by the first chunk. */
    messageId: safeBigint().references(() => messages.id),
    /** Members up to this id have it in their inboxes. */
    afterUserId: safeBigint().notNull().default(0),
    totalCount: integer().notNull().default(0),
    sentCount: integer().notNull().default(0),
    failedCount: integer().notNull().default(0),
    createdAt: instant().notNull(),
    finishedAt: instant(),
  },
  (table) => [
    index("broadcasts_open").on(table.id).where(sql`state <> 'done'`),
    index("broadcasts_of_group").on(table.groupId, table.id),
  ],
);
