import { and, eq, inArray, ne, notInArray, or, type SQL, sql } from "drizzle-orm";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { BUILT_IN_UIDS, users, UserStatus } from "../../schema/users.ts";

// Four ideas of who is there, for queries in which `users` stands under its own name. All of them
// mean people of the house; what they ask beyond that:
//
//   managed       nothing: in whatever state, the deleted too; but no built-in account
//   visibleUsers  a profile, and not deleted; so a disabled person is seen, a built-in account not
//   chatVisible   the same, or a built-in account
//   present       an account that may act: active or in review; a profile is not needed

/**
 * Whom operators manage: people of the house in whatever state. The built-in accounts of the chat
 * app are no people, and must stay as they are.
 */
export const managed = and(
  eq(users.appId, HOUSE_APP_ID),
  notInArray(users.uid, [...BUILT_IN_UIDS]),
);

/** People who can be seen: of the house, with a profile, not deleted. */
export const visibleUsers = and(
  eq(users.appId, HOUSE_APP_ID),
  ne(users.status, UserStatus.deleted),
  sql`${users.profileAt} is not null`,
);

/** Whom the chat app shows: people, and the built-in accounts, which the gateway does not know. */
export const chatVisible = or(visibleUsers, inArray(users.uid, [...BUILT_IN_UIDS]));

/** People of the chat whose account lives; a condition for a query that has `users`. */
export const present: SQL = sql`users.app_id = ${HOUSE_APP_ID}
  and users.status in (${UserStatus.active}, ${UserStatus.inReview}) and users.deleted_at is null`;
