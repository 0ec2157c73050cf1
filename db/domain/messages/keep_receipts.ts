import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { instant, int8, listOf, rows } from "../../sql.ts";
import { ownChannelId } from "./channel_history.ts";
import { KeptSetting } from "./rules.ts";
import { nextVersions } from "./sync_versions.ts";
import { tellDevices } from "./tell_devices.ts";

/** Most messages one call says of that they are read. */
export const RECEIPT_COUNT_MAX = 500;

/**
 * A person has read these messages of a channel; counted once, where others said them and asked for
 * a receipt, whose devices are told. Anything else among them is passed over.
 */
export async function keepReceipts(
  ctx: Ctx,
  { userId, uid, channel, messageIds }: {
    userId: number;
    uid: string;
    channel: { type: number; no: string };
    messageIds: number[];
  },
): Promise<void> {
  const now = instant(ctx.now());
  const isPerson = channel.type === ChannelType.person;
  const senders = await rows(
    ctx,
    sql`
      with read as materialized (
        select messages.id, messages.sender_id, inbox.channel_id
        from inbox join messages on messages.id = inbox.message_id
        where inbox.user_id = ${userId} and inbox.message_id = any(${listOf(messageIds, "bigint")})
          and inbox.channel_type = ${channel.type}::smallint
          and inbox.channel_id = ${ownChannelId(channel.type, { userId, channelNo: channel.no })}
          and messages.sender_id <> ${userId} and messages.revoked_at is null
          and messages.setting & ${sql.raw(String(KeptSetting.receipt))} <> 0
          and not exists (select 1 from message_extras
            where message_id = messages.id and user_id = ${userId})
      ), versions as materialized (
        ${
      nextVersions(
        sql`select sender_id as user_id from read union select ${userId}::bigint from read`,
        now,
      )
    }
      ), mine as (
        insert into message_extras
          (message_id, user_id, channel_type, channel_id, version, read_at)
        select read.id, user_id, ${channel.type}::smallint, read.channel_id, version, ${now}
        from read, versions where versions.user_id = ${userId} order by read.id
        -- Of two devices that say so at once, one counts.
        on conflict (message_id, user_id) do nothing
        returning message_id, channel_id
      ), theirs as (
        insert into message_extras as known
          (message_id, user_id, channel_type, channel_id, version, read_count)
        select read.id, read.sender_id, ${channel.type}::smallint,
          case when ${isPerson} then ${userId}::bigint else read.channel_id end, version, 1
        from mine join read on read.id = mine.message_id
        join versions on versions.user_id = read.sender_id order by read.id
        on conflict (message_id, user_id) do update
          set read_count = known.read_count + 1, version = excluded.version
        returning user_id
      )
      select distinct theirs.user_id, (select channel_id from mine limit 1) as channel_id
      from theirs`,
    { userId: int8, channelId: int8 },
  );
  if (senders.length === 0) return;
  // In a chat of two the sender's channel is whoever has read.
  const [no, id] = isPerson ? [uid, userId] : [channel.no, senders[0]!.channelId];
  tellDevices(ctx, {
    userIds: senders.map((sender) => sender.userId),
    cmd: "syncMessageExtra",
    param: { channel_id: no, channel_type: channel.type },
    channel: { type: channel.type, no, id },
    ...isPerson && { from: { uid, userId } },
  });
}
