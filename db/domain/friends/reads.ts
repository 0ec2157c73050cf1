import { and, asc, eq, type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { friends, peerSettings } from "../../schema/chat.ts";
import { users } from "../../schema/users.ts";
import { instant } from "../../sql.ts";
import type { SyncKey } from "./rules.ts";

/** One side of a friendship as its owner sees it; also one that has ended. */
export interface Friend {
  id: number;
  uid: string;
  name: string;
  isDeleted: boolean;
  createdAt: Date;
  updatedAt: Date;
  remark: string;
  mute: boolean;
  top: boolean;
}

/** What has changed behind a key, ended friendships too; without one everybody who is a friend. */
export async function listChangedFriends(
  ctx: Ctx,
  { userId, after, limit }: { userId: number; after: SyncKey | undefined; limit: number },
): Promise<Friend[]> {
  return await ctx.db
    .select({
      id: friends.id,
      uid: users.uid,
      name: users.nickname,
      isDeleted: friends.isDeleted,
      createdAt: friends.createdAt,
      updatedAt: friends.updatedAt,
      remark: sql<string>`coalesce(${peerSettings.remark}, '')`,
      mute: sql<boolean>`coalesce(${peerSettings.mute}, false)`,
      top: sql<boolean>`coalesce(${peerSettings.top}, false)`,
    })
    .from(friends)
    .innerJoin(users, eq(users.id, friends.friendId))
    .leftJoin(
      peerSettings,
      and(eq(peerSettings.userId, friends.userId), eq(peerSettings.peerId, friends.friendId)),
    )
    .where(and(eq(friends.userId, userId), after ? isBehind(after) : eq(friends.isDeleted, false)))
    .orderBy(asc(friends.updatedAt), asc(friends.id))
    .limit(limit);
}

/** Compared as a row, so that the index on both finds the place at once. */
const isBehind = ({ at, id }: SyncKey): SQL =>
  sql`(${friends.updatedAt}, ${friends.id}) > (${instant(at)}, ${id}::bigint)`;
