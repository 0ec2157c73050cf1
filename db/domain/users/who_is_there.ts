import { and, eq, inArray, ne, notInArray, or, type SQL, sql } from "drizzle-orm";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { BUILT_IN_UIDS, LIVE_STATUSES, users, UserStatus } from "../../schema/users.ts";

// Five ideas of who is there, for queries in which `users` stands under its own name. All of them
// mean people of the house; what they ask beyond that:
//
//   managed       nothing: in whatever state, the deleted too; but no built-in account
//   known         not deleted; a profile is not needed, and a built-in account is known
//   visibleUsers  a profile, and not deleted; so a disabled person is seen, a built-in account not
//   chatVisible   the same, or a built-in account
//   present       an account that may act: active or in review; a profile is not needed

/** Whom operators manage; the built-in accounts of the chat app must stay as they are. */
export const managed = and(
  eq(users.appId, HOUSE_APP_ID),
  notInArray(users.uid, [...BUILT_IN_UIDS]),
);

export const notDeleted = ne(users.status, UserStatus.deleted);

/** Whom one may ask to be a friend, and partners name. */
export const known = and(eq(users.appId, HOUSE_APP_ID), notDeleted);

export const visibleUsers = and(known, sql`${users.profileAt} is not null`);

/** Whom the chat app shows; the gateway does not know the built-in accounts. */
export const chatVisible = or(visibleUsers, inArray(users.uid, [...BUILT_IN_UIDS]));

export const present: SQL = sql`users.app_id = ${HOUSE_APP_ID}
  and users.status in ${[...LIVE_STATUSES]} and users.deleted_at is null`;
