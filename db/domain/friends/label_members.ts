import { type SQL, sql } from "drizzle-orm";

/** Friends of `userId` among these uids, as `friend_id`; whoever else is named is skipped. */
export function friendsAmong({ userId, uids }: { userId: number; uids: string[] }): SQL {
  // Half of a surrogate pair is nobody's uid, and no JSON to Postgres.
  const texts = JSON.stringify(uids.map((uid) => uid.toWellFormed()));
  return sql`select friends.friend_id from friends join users on users.id = friends.friend_id
    where friends.user_id = ${userId} and not friends.is_deleted
      and users.uid in (select jsonb_array_elements_text(${texts}::jsonb))`;
}
