import { sql } from "drizzle-orm";
import {
  bigserial,
  boolean,
  index,
  integer,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
} from "drizzle-orm/pg-core";
import { HOUSE_APP_ID, instant, safeBigint } from "./columns.ts";
import { users } from "./users.ts";

/** `groups.status` of the ops contract. */
export const GroupStatus = { stopped: 0, running: 1 } as const;
/** `group_members.role` of the im contract. */
export const MemberRole = { member: 0, owner: 1, manager: 2 } as const;

/** A group of people: im's chat group, the partner's group and the operator's paid group. */
export const groups = pgTable(
  "groups",
  {
    /** What ops and partners call it. */
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity({ startWith: 7_000_100_001 }),
    /** 32 lower hex digits: what im calls it. */
    groupNo: text().notNull().unique(),
    appId: safeBigint().notNull().default(HOUSE_APP_ID),
    ownerId: safeBigint().references(() => users.id),
    name: text().notNull(),
    notice: text().notNull().default(""),
    /** Address of its picture; empty: one is drawn. */
    avatar: text().notNull().default(""),
    /** Keeps one log instead of an inbox row for each member, whatever its size. */
    isSuper: boolean().notNull().default(false),
    /** Members are added by owner and managers alone; others may only invite (im). */
    invite: boolean().notNull().default(false),
    /** Only owner and managers may speak (im: 全员禁言). */
    forbidden: boolean().notNull().default(false),
    /** Rises with every change of the group or a member: what im's syncs go by. */
    version: safeBigint().notNull().default(1),
    status: smallint().notNull().default(GroupStatus.running),
    countryName: text(),
    /** The group's Mixin bot: its id, and the sealed keystore it signs with. */
    clientId: text(),
    keystoreSealed: text(),
    /** Shares of the subscription payments, 0…1. */
    ownerRate: numeric({ precision: 5, scale: 4 }).notNull().default("0.7"),
    inviterRate: numeric({ precision: 5, scale: 4 }).notNull().default("0.1"),
    /** Kept by the verbs that add and remove members. */
    memberCount: integer().notNull().default(0),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
    disbandedAt: instant(),
  },
  (table) => [index("groups_of_app").on(table.appId, table.id)],
);

/**
 * How many groups of the house there are that have not been disbanded, in a few rows so that two
 * that are founded seldom wait for each other; kept by a trigger.
 */
export const groupCounts = pgTable("group_counts", {
  bucket: smallint().primaryKey(),
  count: safeBigint().notNull(),
});

/** A person's place in a group, and what they paid for it. */
export const groupMembers = pgTable(
  "group_members",
  {
    groupId: safeBigint().notNull().references(() => groups.id),
    userId: safeBigint().notNull().references(() => users.id),
    /** What im's member sync calls the row. */
    id: bigserial({ mode: "number" }).notNull(),
    role: smallint().notNull().default(MemberRole.member),
    nickname: text().notNull().default(""),
    /** `groups.version` when this row last changed. */
    version: safeBigint().notNull().default(1),
    /** May not speak until then. */
    mutedUntil: instant(),
    /** May not speak, and not come in again; outlives membership (im: 群黑名单). */
    blacklistedAt: instant(),
    /** How far the group's log has been copied into this member's inbox. */
    logSeq: safeBigint().notNull().default(0),
    /** How far a partner's client says it has read the group's log. */
    syncedSeq: safeBigint().notNull().default(0),
    /** As far as a partner's client has been shown the log as history. */
    shownSeq: safeBigint().notNull().default(0),
    state: text().notNull().default("free"),
    subscribedAt: instant(),
    expiredAt: instant(),
    inviterId: safeBigint().references(() => users.id),
    /** The group this member's payments are shared with, and since when. */
    dividedTo: safeBigint().references(() => groups.id),
    dividedAt: instant(),
    joinedAt: instant().notNull(),
    removedAt: instant(),
  },
  (table) => [
    primaryKey({ columns: [table.groupId, table.userId] }),
    index("group_members_sync").on(table.groupId, table.version, table.id),
    index("group_members_of_user").on(table.userId).where(sql`${table.removedAt} is null`),
  ],
);
