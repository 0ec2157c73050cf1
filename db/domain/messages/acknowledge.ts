import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";

/**
 * Marks everything up to a number as fetched, and its conversations as read up to there. The mark
 * never goes back, and never beyond what there is.
 */
export async function acknowledge(
  ctx: Ctx,
  { userId, seq }: { userId: number; seq: number },
): Promise<void> {
  await ctx.db.execute(sql`
    with marked as (
      update inbox_heads set acked_seq = greatest(acked_seq, least(last_seq, ${seq}))
      where user_id = ${userId}
      returning acked_seq
    )
    update conversations set unread_count = (
      select count(*) from inbox join messages on messages.id = inbox.message_id
      where inbox.user_id = ${userId} and inbox.channel_type = conversations.channel_type
        and inbox.channel_id = conversations.channel_id and inbox.seq > marked.acked_seq
        and messages.red_dot and messages.sender_id is distinct from ${userId}
    )
    from marked
    where conversations.user_id = ${userId} and conversations.unread_count > 0`);
}
