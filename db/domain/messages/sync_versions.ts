import { type SQL, sql } from "drizzle-orm";
import { milliseconds } from "../../sql.ts";

/**
 * A new version for rows of each of these people, as `returning user_id, version`: above all they
 * have been given, and not behind the clock. Their rows are locked in the order of their ids until
 * the transaction ends, so whoever has seen a version has seen all below it.
 *
 * @param people rows `user_id`, a person once
 */
export function nextVersions(people: SQL, at: SQL): SQL {
  return sql`
    insert into sync_versions as known (user_id, version)
    select people.user_id, ${milliseconds(at)} from (${people}) as people
    order by people.user_id
    on conflict (user_id) do update set version = greatest(known.version + 1, excluded.version)
    returning user_id, version`;
}
