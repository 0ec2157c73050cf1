import { type SQL, sql } from "drizzle-orm";

/** A point in time as a parameter of written-out SQL. */
export function moment(at: Date): SQL {
  return sql`${at.toISOString()}::timestamptz`;
}

/** A time column as milliseconds since 1970, exact. */
export function msOf(column: SQL): SQL {
  return sql`(extract(epoch from ${column}) * 1000)::bigint`;
}
