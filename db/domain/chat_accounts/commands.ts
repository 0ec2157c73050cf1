import { and, eq } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { friends } from "../../schema/chat.ts";
import { ChannelType } from "../../schema/messages.ts";
import { FRIENDS_COUNT_MAX } from "../friends/rules.ts";
import { ContentType } from "../messages/rules.ts";
import { sendMessage } from "../messages/send.ts";
import { tellDevices } from "../messages/tell_devices.ts";

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
  person: { userId: number; uid: string },
): Promise<void> {
  await tellFriends(ctx, person, CHANNEL_UPDATE, channelParam(person.uid));
}

/** The same of a new picture. */
export async function announceAvatar(
  ctx: Ctx,
  person: { userId: number; uid: string },
): Promise<void> {
  await tellFriends(ctx, person, "userAvatarUpdate", { uid: person.uid });
}

async function tellFriends(
  ctx: Ctx,
  { userId, uid }: { userId: number; uid: string },
  cmd: string,
  param: Record<string, unknown>,
): Promise<void> {
  const rows = await ctx.db.select({ friendId: friends.friendId }).from(friends)
    .where(and(eq(friends.userId, userId), eq(friends.isDeleted, false)))
    .limit(FRIENDS_COUNT_MAX);
  const channel = { type: ChannelType.person, no: uid, id: userId };
  const userIds = rows.map(({ friendId }) => friendId);
  tellDevices(ctx, { userIds, cmd, param, channel, from: { uid, userId } });
}

const CHANNEL_UPDATE = "channelUpdate";

function channelParam(uid: string) {
  return { channel_id: uid, channel_type: ChannelType.person };
}

function channelUpdate(uid: string): string {
  return JSON.stringify({
    type: ContentType.command,
    cmd: CHANNEL_UPDATE,
    param: channelParam(uid),
  });
}
