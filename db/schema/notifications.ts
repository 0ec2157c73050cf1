import { bigint, index, pgSequence, pgTable, smallint, text } from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { users } from "./users.ts";

/** `originPushType` of the gateway contract. */
export const NotificationOrigin = { system: 0, official: 1, interactive: 2 } as const;

export const notificationSteps = pgSequence("notification_steps");

/** What the gateway calls a message: a notice in a person's list, often pushed as well. */
export const notifications = pgTable(
  "notifications",
  {
    /** Microseconds when it was made, as clients expect: ms × 1000 and a step. */
    id: bigint({ mode: "number" }).primaryKey(),
    userId: safeBigint().notNull().references(() => users.id),
    origin: smallint().notNull(),
    originUserId: safeBigint().references(() => users.id),
    title: text().notNull(),
    content: text().notNull(),
    /** Where a tap leads: `room/<id>`, `profile/<uid>`; of old ones with `plaza://` before it. */
    url: text().notNull(),
    createdAt: instant().notNull(),
    readAt: instant(),
  },
  (table) => [index("notifications_of_user").on(table.userId, table.id)],
);

/** The JPush registration of the device a person was last seen on; a device speaks for one. */
export const pushTargets = pgTable("push_targets", {
  userId: safeBigint().primaryKey().references(() => users.id),
  jpushId: text().notNull().unique(),
  /** The session that named the device: with it the device is nobody's any more. */
  sessionId: safeBigint(),
  updatedAt: instant().notNull(),
});
