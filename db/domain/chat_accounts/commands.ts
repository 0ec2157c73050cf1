import { and, eq } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { friends } from "../../schema/chat.ts";
import { ChannelType } from "../../schema/messages.ts";
import { FRIENDS_COUNT_MAX } from "../friends/rules.ts";
import { ContentType } from "../messages/rules.ts";
import { sendMessage } from "../messages/send.ts";
import { type Command, tellDevices } from "../messages/tell_devices.ts";

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

type Person = { userId: number; uid: string };

/** Tells a person's own devices, and the friends who are there, that the person has changed. */
export async function announceChange(ctx: Ctx, person: Person): Promise<void> {
  await tellFriends(ctx, person, { cmd: CHANNEL_UPDATE, param: channelParam(person.uid) });
}

/** The same of what friends do not see. */
export function announceOwnChange(ctx: Pick<Ctx, "bus" | "now">, person: Person): void {
  const command = { cmd: CHANNEL_UPDATE, param: channelParam(person.uid) };
  tell(ctx, person, { userIds: [person.userId], ...command });
}

/** The same of a new picture. */
export async function announceAvatar(ctx: Ctx, person: Person): Promise<void> {
  await tellFriends(ctx, person, { cmd: "userAvatarUpdate", param: { uid: person.uid } });
}

async function tellFriends(ctx: Ctx, person: Person, command: Command): Promise<void> {
  const { userId } = person;
  const rows = await ctx.db.select({ friendId: friends.friendId }).from(friends)
    .where(and(eq(friends.userId, userId), eq(friends.isDeleted, false)))
    .limit(FRIENDS_COUNT_MAX);
  tell(ctx, person, { userIds: [userId, ...rows.map(({ friendId }) => friendId)], ...command });
}

/** In the chat with the person; who is away reads them anew. */
function tell(
  ctx: Pick<Ctx, "bus" | "now">,
  { userId, uid }: Person,
  command: Command & { userIds: number[] },
): void {
  const channel = { type: ChannelType.person, no: uid, id: userId };
  tellDevices(ctx, { ...command, channel, from: { uid, userId } });
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
