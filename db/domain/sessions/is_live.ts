import { type SQL, sql } from "drizzle-orm";

/** Whether the session of this id is a login still: neither ended nor run out. */
export function isLiveSession(id: SQL, now: SQL): SQL {
  return sql`exists (select from sessions where sessions.id = ${id}
    and sessions.revoked_at is null and sessions.expires_at > ${now})`;
}
