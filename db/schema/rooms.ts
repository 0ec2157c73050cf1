import { sql } from "drizzle-orm";
import {
  boolean,
  index,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { clubs } from "./clubs.ts";
import { instant, safeBigint } from "./columns.ts";
import { users } from "./users.ts";

/** A live audio room (gateway's room, 活动): of a club, public, or for invited people only. */
export const rooms = pgTable(
  "rooms",
  {
    /** 32 lower hex digits; also the name of the audio channel. */
    id: text().primaryKey(),
    hostId: safeBigint().notNull().references(() => users.id),
    name: text().notNull(),
    clubId: text().references(() => clubs.id),
    inviteOnly: boolean().notNull().default(false),
    createdAt: instant().notNull(),
    closedAt: instant(),
    /** When the audio service was last asked how many are in the channel. */
    askedAt: instant(),
  },
  (table) => [
    index("rooms_open").on(table.createdAt, table.id).where(sql`closed_at is null`),
    index("rooms_public").on(table.createdAt, table.id)
      .where(sql`closed_at is null and club_id is null and not invite_only`),
    index("rooms_of_club").on(table.clubId, table.createdAt, table.id)
      .where(sql`closed_at is null`),
    index("rooms_of_host").on(table.hostId, table.createdAt, table.id)
      .where(sql`closed_at is null`),
  ],
);

/** `room_members.role`, the numbers of the deployed clients. */
export const RoomRole = { listener: 0, host: 2 } as const;

/**
 * Who is in a room, and who lately was: whoever has entered and not left, and was heard of lately.
 * A person is in one room at most. `leave_rooms_with_session()` takes out whose last session ends.
 */
export const roomMembers = pgTable(
  "room_members",
  {
    roomId: text().notNull().references(() => rooms.id),
    userId: safeBigint().notNull().references(() => users.id),
    role: smallint().notNull().default(RoomRole.listener),
    joinedAt: instant().notNull(),
    /** When a token was last taken. */
    enteredAt: instant().notNull().default(sql`now()`),
    /** The last sign of life, of any kind; too old a one means gone. */
    seenAt: instant().notNull(),
    /** The session that entered: a later login of its kind does not go on with its room. */
    sessionId: safeBigint(),
    leftAt: instant(),
  },
  (table) => [
    primaryKey({ columns: [table.roomId, table.userId] }),
    uniqueIndex("room_members_inside").on(table.userId).where(sql`left_at is null`),
    index("room_members_of_room").on(table.roomId, table.seenAt).where(sql`left_at is null`),
    index("room_members_seen").on(table.seenAt),
  ],
);

/** Who may see and enter an invite-only room besides its host. */
export const roomInvites = pgTable(
  "room_invites",
  {
    roomId: text().notNull().references(() => rooms.id),
    userId: safeBigint().notNull().references(() => users.id),
    inviterId: safeBigint().notNull().references(() => users.id),
    createdAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.roomId, table.userId] }),
    index("room_invites_of_user").on(table.userId, table.createdAt),
  ],
);

/** A room as one person shares it: the id in an H5 link. */
export const roomShares = pgTable(
  "room_shares",
  {
    /** `roomCacheId`, 32 lower hex digits. */
    id: text().primaryKey(),
    roomId: text().notNull().references(() => rooms.id),
    userId: safeBigint().notNull().references(() => users.id),
    createdAt: instant().notNull(),
  },
  (table) => [unique("room_shares_of_user").on(table.roomId, table.userId)],
);
