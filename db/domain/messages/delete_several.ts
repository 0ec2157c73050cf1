import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, listOf, maybe, typed } from "../../sql.ts";
import { copying, copyingState, newsFor, readCopying } from "./copy_log.ts";
import { channelNoOf } from "./inbox_message.ts";
import { type OwnChannel, ownChannel, tellOwnDevices } from "./own_devices.ts";
import { countsFor } from "./seen.ts";

/**
 * Throws several messages away at once, for one person alone; what they never received is passed
 * over. Their other devices are told, channel by channel.
 */
export async function deleteSeveral(
  ctx: Ctx,
  { userId, messageIds }: { userId: number; messageIds: number[] },
): Promise<void> {
  const ids = listOf(messageIds, "bigint");
  const at = instant(ctx.now());
  const me = sql`${userId}::bigint`;
  const statement = sql`
    with ${
    copying({ news: newsFor(userId), now: at, isDeleted: sql`message_id = any(${ids})` })
  }, gone as (
      update inbox set deleted_at = ${at}
      where user_id = ${me} and message_id = any(${ids}) and deleted_at is null
      returning seq, message_id, channel_type, channel_id
    ), unread as (
      select gone.channel_type, gone.channel_id, count(*) as count
      from gone join messages on messages.id = gone.message_id and ${countsFor(me)}
      join conversations as known on known.user_id = ${me} and known.read_seq < gone.seq
        and known.channel_type = gone.channel_type and known.channel_id = gone.channel_id
      group by gone.channel_type, gone.channel_id
    ), counted as (
      update conversations set unread_count = greatest(0, unread_count - unread.count)
      from unread
      where user_id = ${me} and conversations.channel_type = unread.channel_type
        and conversations.channel_id = unread.channel_id
        and not exists (select 1 from listed where listed.channel_type = unread.channel_type
          and listed.channel_id = unread.channel_id)
    ), told as (
      select channel_type, channel_id, json_agg(message_id::text) as message_ids from (
        select channel_type, channel_id, message_id from gone union all
        select channel_type, channel_id, message_id from copied where message_id = any(${ids})
      ) as thrown group by channel_type, channel_id
    )
    select ${copyingState(userId)}, told.message_ids, case when told.channel_id is not null then ${
    ownChannel(me, { type: sql`told.channel_type`, no: channelNoOf("told") })
  } end as own
    from (select 1) as one left join told on true`;
  const columns = { messageIds: maybe(typed<string[]>()), own: maybe(typed<OwnChannel>()) };
  const found = await readCopying(ctx, { statement, columns, mustFind: true });
  for (const { own, messageIds: message_ids = [] } of found) {
    if (own) tellOwnDevices(ctx, own, { cmd: "messageDeleted", message_ids });
  }
}
