import { sql } from "drizzle-orm";
import {
  boolean,
  index,
  integer,
  pgSequence,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import type { LongInteger } from "../../config/runtime/long_integer.ts";
import { HOUSE_APP_ID, instant, longInteger, safeBigint } from "./columns.ts";

/** `users.status`: the numbers the admin contract shows. */
export const UserStatus = { active: 1, inReview: 2, disabled: 3, deleted: 4 } as const;
/** Whose sessions and devices work. */
export const LIVE_STATUSES: readonly number[] = [UserStatus.active, UserStatus.inReview];

/** The built-in account the house speaks through. Nobody logs in as it, or as the next one. */
export const SYSTEM_UID = "00000000000000000000000000010000";
/** The built-in account people send things to that are for their own other devices. */
export const FILE_HELPER_UID = "00000000000000000000000000020000";
export const BUILT_IN_UIDS: readonly string[] = [SYSTEM_UID, FILE_HELPER_UID];

/**
 * Customers get numbers between these: the first and their `users.id`. A partner names its own people
 * by others, so the two never meet.
 */
export const CUSTOMER_UID_MIN = 4_000_000_000_000_000;
export const CUSTOMER_UID_MAX = Number.MAX_SAFE_INTEGER;

/** Whether a number in an app is of those that only its customers have. */
export function isCustomerUid(appUid: LongInteger): boolean {
  return typeof appUid === "number" && appUid >= CUSTOMER_UID_MIN;
}

/** Numeric user ids: what admin shows as `uid` and partners see for house users. */
export const userIds = pgSequence("users_id_seq", { startWith: 100_000_001 });

/** A person, once for all five surfaces. */
export const users = pgTable(
  "users",
  {
    id: safeBigint().primaryKey().default(sql`nextval('users_id_seq')`),
    /** 32 lower hex digits: the id gateway and im show. */
    uid: text().notNull().unique(),
    appId: safeBigint().notNull().default(HOUSE_APP_ID),
    /** The id within the app: the partner's own choice, or `id` in the house. */
    appUid: longInteger().notNull(),
    /** Digits without `+` or leading zeros. */
    countryCode: text(),
    mobile: text(),
    /** The number they had when they were deleted: for operators to know, and nobody to be found by. */
    freedCountryCode: text(),
    freedMobile: text(),
    nickname: text().notNull().default(""),
    avatar: text().notNull().default(""),
    bio: text().notNull().default(""),
    status: smallint().notNull().default(UserStatus.active),
    /** Until the profile is filled in the gateway lets its owner do little else. */
    profileAt: instant(),
    exchanger: boolean().notNull().default(false),
    parentId: safeBigint(),
    /** No pushes to the phone while a computer is online (partner: mute). */
    phoneMuted: boolean().notNull().default(false),
    /** Cards received and kept: always the number of live rows in `cards`. */
    cardCount: integer().notNull().default(0),
    unreadCount: integer().notNull().default(0),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
    lastLoginAt: instant(),
    deletedAt: instant(),
  },
  (table) => [
    unique("users_app_uid").on(table.appId, table.appUid),
    uniqueIndex("users_house_mobile").on(table.countryCode, table.mobile)
      .where(sql`${table.appId} = ${sql.raw(String(HOUSE_APP_ID))}`),
    index("users_in_state").on(table.status, table.exchanger, table.id)
      .where(sql`${table.appId} = ${sql.raw(String(HOUSE_APP_ID))}`),
    index("users_parent").on(table.parentId).where(sql`${table.parentId} is not null`),
  ],
);

/**
 * How many house users there are of each kind, in a few rows of each so that two registrations
 * seldom wait for each other; kept by a trigger.
 */
export const userCounts = pgTable("user_counts", {
  bucket: smallint().notNull(),
  status: smallint().notNull(),
  exchanger: boolean().notNull(),
  count: safeBigint().notNull(),
}, (table) => [primaryKey({ columns: [table.status, table.exchanger, table.bucket] })]);
