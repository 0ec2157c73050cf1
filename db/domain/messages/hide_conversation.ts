import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { instant, int8, rows } from "../../sql.ts";
import { copying, copyingState, newsOf } from "./copy_log.ts";
import { isBehind, readNewest } from "./copy_whole_logs.ts";
import { ownChannelId } from "./channel_history.ts";
import { tellDevices } from "./tell_devices.ts";

/**
 * Takes a conversation off a person's list, read, until the next message in it; what was said stays.
 * What a large group has logged is copied first, or it would bring the conversation back. Of what is
 * no conversation there is nothing to take off. The person's devices are told.
 */
export async function hideConversation(
  ctx: Ctx,
  { userId, channel }: { userId: number; channel: { type: number; no: string } },
): Promise<void> {
  const id = ownChannelId(channel.type, { userId, channelNo: channel.no });
  if (channel.type === ChannelType.group) {
    const news = newsOf(sql`group_members.user_id = ${userId} and group_members.group_id = ${id}`);
    const statement = sql`
      with ${copying({ news, now: instant(ctx.now()) })}
      select ${copyingState(userId)}, ${isBehind}`;
    await readNewest(ctx, { statement, columns: {} });
  }
  const [hidden] = await rows(
    ctx,
    sql`
      update conversations set hidden_seq = last_seq, unread_count = 0,
        read_seq = greatest(read_seq, last_seq)
      where user_id = ${userId} and channel_type = ${channel.type} and channel_id = ${id}
      returning channel_id`,
    { channelId: int8 },
  );
  if (!hidden) return;
  tellDevices(ctx, {
    userIds: [userId],
    cmd: "conversationDeleted",
    param: { channel_id: channel.no, channel_type: channel.type },
    channel: { ...channel, id: hidden.channelId },
  });
}
