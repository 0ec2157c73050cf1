import { and, eq } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import { chunksOf } from "../../../config/runtime/chunks.ts";
import type { Moment } from "../../bus/bus.ts";
import type { Ctx } from "../../client/ctx.ts";
import { friends } from "../../schema/chat.ts";
import { ChannelType } from "../../schema/messages.ts";
import { FRIENDS_COUNT_MAX } from "../friends/rules.ts";
import { ContentType } from "../messages/rules.ts";
import { sendMessage } from "../messages/send.ts";
import { momentIdAt } from "../messages/send_moment.ts";

const EVENT_PEOPLE_MAX = 500;

export async function commandChannelUpdate(
  ctx: Ctx,
  { toUserId, uid }: { toUserId: number; uid: string },
): Promise<void> {
  await sendMessage(ctx, {
    // The system's word: a block between the two does not stop it, and nobody's chat shows it.
    senderId: undefined,
    channel: { type: ChannelType.person, userId: toUserId },
    clientMsgNo: undefined,
    payload: channelUpdate(uid),
    redDot: false,
    copyToSender: false,
  });
}

/** Tells the friends who are there that a person has changed; who is away reads them anew. */
export async function announceChange(
  ctx: Ctx,
  { userId, uid }: { userId: number; uid: string },
): Promise<void> {
  const rows = await ctx.db.select({ friendId: friends.friendId }).from(friends)
    .where(and(eq(friends.userId, userId), eq(friends.isDeleted, false)))
    .limit(FRIENDS_COUNT_MAX);
  const now = ctx.now();
  const said: Moment = {
    messageId: momentIdAt(now),
    fromUid: uid,
    fromId: userId,
    channelType: ChannelType.person,
    channelNo: uid,
    channelId: userId,
    clientMsgNo: randomHex32(),
    payload: channelUpdate(uid),
    redDot: false,
    syncOnce: true,
    atMs: now.getTime(),
  };
  for (const userIds of chunksOf(rows.map(({ friendId }) => friendId), EVENT_PEOPLE_MAX)) {
    ctx.bus.publish({ kind: "moment", userIds, ...said });
  }
}

function channelUpdate(uid: string): string {
  return JSON.stringify({
    type: ContentType.command,
    cmd: "channelUpdate",
    param: { channel_id: uid, channel_type: ChannelType.person },
  });
}
