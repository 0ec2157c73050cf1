import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, listOf } from "../../sql.ts";
import { copying, copyingState, newsFor, readCopying } from "./copy_log.ts";

/**
 * Throws several messages away at once, for one person alone; what they never received is passed
 * over. Of those that were unread the conversations count none any more: they are among the newest,
 * as many as are unread.
 */
export async function deleteSeveral(
  ctx: Ctx,
  { userId, messageIds }: { userId: number; messageIds: number[] },
): Promise<void> {
  const ids = listOf(messageIds, "bigint");
  const at = instant(ctx.now());
  const isCounted = sql`messages.red_dot and messages.revoked_at is null
    and messages.sender_id is distinct from ${userId}::bigint`;
  const statement = sql`
    with ${
    copying({ news: newsFor(userId), now: at, isDeleted: sql`message_id = any(${ids})` })
  }, gone as (
      update inbox set deleted_at = ${at}
      where user_id = ${userId} and message_id = any(${ids}) and deleted_at is null
      returning seq, message_id, channel_type, channel_id
    ), unread as (
      select gone.channel_type, gone.channel_id, count(*) as count
      from gone join messages on messages.id = gone.message_id and ${isCounted}
      join conversations as known on known.user_id = ${userId}
        and known.channel_type = gone.channel_type and known.channel_id = gone.channel_id
      where known.unread_count > (select count(*) from (
          select 1 from inbox join messages on messages.id = inbox.message_id and ${isCounted}
          where inbox.user_id = ${userId} and inbox.channel_type = gone.channel_type
            and inbox.channel_id = gone.channel_id and inbox.seq > gone.seq
            and inbox.deleted_at is null
          limit known.unread_count) as newer)
      group by gone.channel_type, gone.channel_id
    ), counted as (
      update conversations set unread_count = greatest(0, unread_count - unread.count)
      from unread
      where user_id = ${userId} and conversations.channel_type = unread.channel_type
        and conversations.channel_id = unread.channel_id
        and not exists (select 1 from listed where listed.channel_type = unread.channel_type
          and listed.channel_id = unread.channel_id)
    )
    select ${copyingState(userId)}`;
  await readCopying(ctx, { statement, columns: {}, mustFind: true });
}
