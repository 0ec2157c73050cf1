import { type SQL, sql, type SQLWrapper } from "drizzle-orm";
import type { Cursor } from "./rules.ts";

export interface PageInput {
  /** Absent: the first page. */
  cursor: Cursor | undefined;
  /** At most this many items; callers have checked it against `PAGE_COUNT_MAX`. */
  count: number;
}

/**
 * What lies behind a cursor in a list that is newest first: `(time, id) < (…)`, compared as a row
 * so that an index on both finds the place at once. `id` is the id in the cursor as the index has it.
 */
export function behind(
  cursor: Cursor | undefined,
  { time, id, idOf }: { time: SQLWrapper; id: SQLWrapper; idOf: (id: string) => SQL },
): SQL | undefined {
  if (!cursor) return undefined;
  // Not as a date: a cursor somebody made up may name a year that is no date to Postgres.
  const at = sql`to_timestamp(${cursor.at.getTime()}::float8 / 1000)`;
  return sql`(${time}, ${id}) < (${at}, ${idOf(cursor.id)})`;
}

/** Cursors carry the uid people know, indexes the internal id. */
export const userIdOf = (uid: string): SQL => sql`(select id from users where uid = ${uid})`;
/** Of clubs, rooms and events both are the same. */
export const sameId = (id: string): SQL => sql`${id}`;
