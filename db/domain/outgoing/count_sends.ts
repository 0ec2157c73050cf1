import { type SQL, sql } from "drizzle-orm";
import { DELIVERED } from "../../schema/broadcasts.ts";

/**
 * Keeps the counters of broadcasts whose messages to Mixin came to an end, or are no longer at one,
 * in the statement that changed the work. A broadcast that waits for nothing more is done.
 * @param rows of `pending_work`, with `sent` and `failed` as changes of the counters
 */
export function countSends(rows: SQL, now: SQL): SQL {
  const hasEnded = sql`after_user_id = ${DELIVERED}
    and sent_count + failed_count + change.sent + change.failed >= total_count`;
  return sql`update broadcasts set sent_count = sent_count + change.sent,
      failed_count = failed_count + change.failed,
      state = case when ${hasEnded} then 'done' else 'sending' end,
      finished_at = case when ${hasEnded} then ${now} end
    from (
      select (payload->>'broadcastId')::bigint as id, sum(sent)::int as sent,
        sum(failed)::int as failed
      from (${rows}) as ended where kind = 'mixin_message' group by 1
    ) as change
    where broadcasts.id = change.id`;
}
