import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { int8, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { ownChannelId } from "./channel_history.ts";
import { countsFor } from "./seen.ts";
import { tellDevices } from "./tell_devices.ts";

/**
 * Throws what was said in a channel up to one of a person's own numbers away, for them alone, and
 * tells their devices. The mark never goes back; what came after it stays unread.
 *
 * @throws {DomainError} `channel_missing` when the person has no such conversation
 */
export async function clearUpTo(
  ctx: Ctx,
  { userId, channel, seq }: {
    userId: number;
    channel: { type: number; no: string };
    seq: number;
  },
): Promise<void> {
  const id = ownChannelId(channel.type, { userId, channelNo: channel.no });
  const [cleared] = await rows(
    ctx,
    sql`
      update conversations set cleared_seq = greatest(cleared_seq, least(last_seq, ${seq})),
        read_seq = greatest(read_seq, least(last_seq, ${seq})),
        unread_count = (select count(*) from (
          select 1 from inbox join messages on messages.id = inbox.message_id
          where inbox.user_id = ${userId} and inbox.channel_type = conversations.channel_type
            and inbox.channel_id = conversations.channel_id and inbox.seq > greatest(${seq}, read_seq)
            and inbox.deleted_at is null and ${countsFor(sql`${userId}::bigint`)}
          limit conversations.unread_count) as unread)
      where user_id = ${userId} and channel_type = ${channel.type} and channel_id = ${id}
      returning channel_id, cleared_seq`,
    { channelId: int8, clearedSeq: int8 },
  );
  if (!cleared) throw new DomainError("channel_missing");
  tellDevices(ctx, {
    userIds: [userId],
    cmd: "channelCleared",
    param: {
      channel_id: channel.no,
      channel_type: channel.type,
      message_seq: cleared.clearedSeq,
    },
    channel: { ...channel, id: cleared.channelId },
  });
}
