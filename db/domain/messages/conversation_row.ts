import { type SQL, sql } from "drizzle-orm";

/**
 * What becomes of a row of `conversations as known` when one of the same channel comes in: its
 * `last_seq` and what it counts come on top, and where its `read_seq` is further on, what was unread
 * before is read.
 *
 * @param more further assignments, each with a comma in front
 */
export function ontoConversation(more: SQL = sql``): SQL {
  return sql`on conflict (user_id, channel_type, channel_id) do update
        set last_seq = greatest(known.last_seq, excluded.last_seq),
          read_seq = greatest(known.read_seq, excluded.read_seq),
          unread_count = excluded.unread_count + case
            when excluded.read_seq > known.read_seq then 0 else known.unread_count end,
          updated_at = excluded.updated_at${more}`;
}
