import { sql } from "drizzle-orm";
import {
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { groups } from "./groups.ts";
import { users } from "./users.ts";

/** What only the chat app knows of a person: how they log in, and what they have set. */
export const chatAccounts = pgTable("chat_accounts", {
  userId: safeBigint().primaryKey().references(() => users.id),
  /** Login name: country code and number (`0086138…`), or one of one's own. */
  username: text().notNull().unique(),
  /** scrypt with its parameters; absent: logs in by code alone. */
  password: text(),
  /** The number people find each other by, given at registration, changed once. */
  shortNo: text().notNull().unique(),
  shortNoChanged: boolean().notNull().default(false),
  sex: smallint().notNull().default(1),
  /** `客服` marks customer service. */
  category: text().notNull().default(""),
  /** Kept as the client sends it (it sends a digest), and given back at login. */
  chatPassword: text().notNull().default(""),
  searchByPhone: boolean().notNull().default(true),
  searchByShort: boolean().notNull().default(true),
  newMsgNotice: boolean().notNull().default(true),
  msgShowDetail: boolean().notNull().default(true),
  voiceOn: boolean().notNull().default(true),
  shockOn: boolean().notNull().default(true),
  offlineProtection: boolean().notNull().default(false),
  deviceLock: boolean().notNull().default(false),
  muteOfApp: boolean().notNull().default(false),
  msgExpireSecond: integer().notNull().default(0),
  /** Of the device pushes go to; a device speaks for one person. */
  deviceToken: text(),
  /** As the client spells it: whose service brings pushes there. */
  deviceType: text(),
  bundleId: text(),
  /** The session that named the device: with it the device is nobody's any more. */
  deviceSessionId: safeBigint(),
  /** What the app's icon shows: set by the client, counted up by each push. */
  badge: integer().notNull().default(0),
  /** Friend requests that came until then no longer count as new. */
  appliesSeenAt: instant(),
  lastOfflineAt: instant(),
}, (table) => [
  uniqueIndex("chat_accounts_device").on(table.deviceToken)
    .where(sql`${table.deviceToken} is not null`),
]);

/** One side of a friendship; there are two rows, and a deleted one stays for the syncs. */
export const friends = pgTable(
  "friends",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    userId: safeBigint().notNull().references(() => users.id),
    friendId: safeBigint().notNull().references(() => users.id),
    isDeleted: boolean().notNull().default(false),
    createdAt: instant().notNull(),
    /**
     * When what a sync shows of it last changed: the friendship, what its owner has set for the
     * friend, the friend's name. Strictly rising over one person's rows: what the sync key goes by.
     */
    updatedAt: instant().notNull(),
  },
  (table) => [
    unique("friends_pair").on(table.userId, table.friendId),
    index("friends_sync").on(table.userId, table.updatedAt, table.id),
  ],
);

/**
 * When the newest of a person's rows in `friends` changed. Whoever changes some locks it first, so
 * that their times rise in the order they are committed.
 */
export const friendHeads = pgTable("friend_heads", {
  userId: safeBigint().primaryKey().references(() => users.id),
  changedAt: instant().notNull(),
});

/** Somebody asks to be somebody's friend; one row a pair, asked again it is fresh. */
export const friendApplies = pgTable(
  "friend_applies",
  {
    /** What a list calls it. */
    id: safeBigint().notNull().generatedAlwaysAsIdentity(),
    fromUserId: safeBigint().notNull().references(() => users.id),
    toUserId: safeBigint().notNull().references(() => users.id),
    tokenHash: text().notNull().unique(),
    /** The token once more, for its receiver's list; absent of requests from before there was one. */
    tokenSealed: text(),
    remark: text().notNull().default(""),
    expiresAt: instant().notNull(),
    acceptedAt: instant(),
    refusedAt: instant(),
    createdAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.fromUserId, table.toUserId] }),
    index("friend_applies_received").on(table.toUserId, table.createdAt, table.id),
  ],
);

/** What one person has set for another: a person chat's switches. */
export const peerSettings = pgTable(
  "peer_settings",
  {
    userId: safeBigint().notNull().references(() => users.id),
    peerId: safeBigint().notNull().references(() => users.id),
    mute: boolean().notNull().default(false),
    top: boolean().notNull().default(false),
    chatPwdOn: boolean().notNull().default(false),
    screenshot: boolean().notNull().default(true),
    revokeRemind: boolean().notNull().default(true),
    receipt: boolean().notNull().default(true),
    remark: text().notNull().default(""),
  },
  (table) => [primaryKey({ columns: [table.userId, table.peerId] })],
);

/** What one person has set for a group; outlives membership. */
export const groupSettings = pgTable(
  "group_settings",
  {
    userId: safeBigint().notNull().references(() => users.id),
    groupId: safeBigint().notNull().references(() => groups.id),
    mute: boolean().notNull().default(false),
    top: boolean().notNull().default(false),
    save: boolean().notNull().default(false),
    showNick: boolean().notNull().default(true),
    /** What they call the group. */
    remark: text().notNull().default(""),
  },
  (table) => [primaryKey({ columns: [table.userId, table.groupId] })],
);

/** Somebody asks owner and managers to let people in (im: 群成员邀请). */
export const groupInvites = pgTable("group_invites", {
  /** `invite_no`, 32 lower hex digits. */
  id: text().primaryKey(),
  groupId: safeBigint().notNull().references(() => groups.id),
  inviterId: safeBigint().notNull().references(() => users.id),
  userIds: safeBigint().array().notNull(),
  remark: text().notNull().default(""),
  createdAt: instant().notNull(),
  confirmedAt: instant(),
  confirmerId: safeBigint().references(() => users.id),
});

/** A message kept for later (im: 收藏). */
export const favorites = pgTable(
  "favorites",
  {
    /** `no`, 32 lower hex digits. */
    id: text().primaryKey(),
    userId: safeBigint().notNull().references(() => users.id),
    type: integer().notNull(),
    /** The message's own key: kept twice it is kept once. */
    uniqueKey: text().notNull(),
    authorUid: text().notNull(),
    authorName: text().notNull(),
    payload: jsonb().notNull(),
    createdAt: instant().notNull(),
  },
  (table) => [
    unique("favorites_once").on(table.userId, table.uniqueKey),
    index("favorites_newest").on(table.userId, table.createdAt, table.id),
  ],
);

/** A name for some of one's friends (im: 标签). */
export const labels = pgTable(
  "labels",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    userId: safeBigint().notNull().references(() => users.id),
    name: text().notNull(),
    createdAt: instant().notNull(),
  },
  (table) => [unique("labels_name").on(table.userId, table.name)],
);

export const labelMembers = pgTable(
  "label_members",
  {
    labelId: safeBigint().notNull().references(() => labels.id, { onDelete: "cascade" }),
    friendId: safeBigint().notNull().references(() => users.id),
  },
  (table) => [primaryKey({ columns: [table.labelId, table.friendId] })],
);
