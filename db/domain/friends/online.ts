import { and, desc, eq, notInArray } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { readOnline } from "../../redis/presence.ts";
import { friends } from "../../schema/chat.ts";
import { ChannelType, conversations } from "../../schema/messages.ts";
import { BUILT_IN_UIDS, users } from "../../schema/users.ts";
import { isRecentlyOnline, newestSeenFirst, ONLINE_CHAT_COUNT_MAX } from "./rules.ts";

export interface OnlineFriend {
  uid: string;
  online: boolean;
  deviceFlag: number;
  lastOfflineAt: Date | undefined;
}

/** Friends one chats with who are online or recently were: the online ones first, then newest. */
export async function listOnlineFriends(
  ctx: Ctx,
  { userId }: { userId: number },
): Promise<OnlineFriend[]> {
  const chats = await ctx.db.select({ id: users.id, uid: users.uid })
    .from(conversations)
    .innerJoin(
      friends,
      and(eq(friends.userId, conversations.userId), eq(friends.friendId, conversations.channelId)),
    )
    .innerJoin(users, eq(users.id, friends.friendId))
    .where(and(
      eq(conversations.userId, userId),
      eq(conversations.channelType, ChannelType.person),
      eq(friends.isDeleted, false),
      // Never there, so not worth asking about.
      notInArray(users.uid, [...BUILT_IN_UIDS]),
    ))
    .orderBy(desc(conversations.lastSeq))
    .limit(ONLINE_CHAT_COUNT_MAX);
  if (chats.length === 0) return [];
  const seen = await readOnline(ctx, chats.map(({ id }) => id));
  const now = ctx.now();
  return chats
    .flatMap(({ id, uid }) => {
      const presence = seen.get(id);
      return presence && isRecentlyOnline(presence, now) ? [{ uid, ...presence }] : [];
    })
    .sort(newestSeenFirst);
}
