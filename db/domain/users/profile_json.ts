import { type SQL, sql } from "drizzle-orm";
import { profileSeenBy } from "./profile.ts";

/** Nobody in particular looks: nobody is blocked, no card was given. */
export const NOBODY_ID = 0;

/** A `Profile` as one JSON value; the table `users` must stand under its own name. */
export function profileJson(viewerId: number): SQL {
  const pairs = Object.entries(profileSeenBy(viewerId)).map(([name, value]) =>
    sql`${sql.raw(`'${name}'`)}, ${value}`
  );
  return sql`jsonb_build_object(${sql.join(pairs, sql`, `)})`;
}
