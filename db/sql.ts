import { type SQL, sql } from "drizzle-orm";

/** A point in time as a parameter of written-out SQL. */
export function moment(at: Date): SQL {
  return sql`${at.toISOString()}::timestamptz`;
}

/** A time column as milliseconds since 1970, exact. */
export function msOf(column: SQL): SQL {
  return sql`(extract(epoch from ${column}) * 1000)::bigint`;
}

/** Ids or uids as an array parameter of written-out SQL. */
export function listOf(values: readonly (number | string)[], type: "bigint" | "text"): SQL {
  return sql`${sql.param(`{${values.join(",")}}`)}::${sql.raw(type)}[]`;
}

/**
 * A part of a name as a pattern of LIKE that finds it anywhere: `%`, `_` and `\` stand for
 * themselves.
 */
export function patternOf(part: string): string {
  return `%${part.replaceAll(/[\\%_]/g, "\\$&")}%`;
}
