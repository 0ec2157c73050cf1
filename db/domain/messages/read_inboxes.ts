import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { built, listText, rows, text } from "../../sql.ts";
import {
  INBOX_COLUMNS,
  type InboxMessage,
  inboxMessageColumns,
  messageOf,
} from "./inbox_message.ts";
import { isDeletedIn } from "./seen.ts";

/** Somebody who wants what came into their inbox after a number. */
export interface Reader {
  userId: number;
  afterSeq: number;
}

/**
 * What is in several inboxes, for each reader ascending and at most `limit` messages; what large
 * groups have logged is not copied, as `readInbox` does. A message comes over once, however many of
 * the readers have it.
 */
export async function readInboxes(
  ctx: Ctx,
  { readers, limit }: { readers: readonly Reader[]; limit: number },
): Promise<InboxMessage[][]> {
  const statement = inboxesStatement({
    userIds: listText(readers.map(({ userId }) => userId)),
    afterSeqs: listText(readers.map(({ afterSeq }) => afterSeq)),
    limit,
  });
  const found = await rows(ctx, statement, { ...INBOX_COLUMNS, places: text });
  const pages: InboxMessage[][] = readers.map(() => []);
  for (const row of found) {
    for (const place of row.places.split(",")) {
      const [reader, seq] = place.split(":");
      const at = Number(reader) - 1;
      pages[at]!.push({ ...messageOf(row, readers[at]!.userId), seq: Number(seq) });
    }
  }
  for (const page of pages) page.sort((a, b) => a.seq - b.seq);
  return pages;
}

interface InboxesValues {
  /** `listText`, one for each reader, as in `afterSeqs`. */
  userIds: string;
  afterSeqs: string;
  limit: number;
}

/** Limits keep the planner to the indexes. */
const inboxesStatement = built<InboxesValues>(({ userIds, afterSeqs, limit }) =>
  sql`
    with kept as (
      select asked.reader, asked.user_id, page.* from unnest(${userIds}::bigint[],
        ${afterSeqs}::bigint[]) with ordinality as asked (user_id, after_seq, reader)
      cross join lateral (
        select seq, message_id, channel_type, channel_id, deleted_at from inbox
        where inbox.user_id = asked.user_id and inbox.seq > asked.after_seq
        order by inbox.seq limit ${limit}
      ) as page
    ), found as (
      select message_id, channel_type, channel_id, is_deleted, min(seq) as seq,
        string_agg(reader || ':' || seq, ',') as places
      from (select kept.*, ${
    isDeletedIn("kept", sql`kept.user_id`)
  } as is_deleted from kept) as kept
      group by message_id, channel_type, channel_id, is_deleted
    )
    select found.places, found.is_deleted, ${inboxMessageColumns("found")}
    from found cross join lateral (
      select * from messages where messages.id = found.message_id limit 1
    ) as messages`
);
