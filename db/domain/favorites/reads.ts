import { desc, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { favorites } from "../../schema/chat.ts";
import { users } from "../../schema/users.ts";

export interface Favorite {
  no: string;
  type: number;
  uniqueKey: string;
  authorUid: string;
  /** As it was when the message was kept. */
  authorName: string;
  /** As it is now. */
  authorAvatar: string;
  payload: Record<string, unknown>;
  createdAt: Date;
}

/** One page of a person's favourites, newest first; the contract counts pages. */
export async function listFavorites(
  ctx: Ctx,
  { userId, pageIndex, pageSize }: { userId: number; pageIndex: number; pageSize: number },
): Promise<Favorite[]> {
  return await ctx.db
    .select({
      no: favorites.id,
      type: favorites.type,
      uniqueKey: favorites.uniqueKey,
      authorUid: favorites.authorUid,
      authorName: favorites.authorName,
      authorAvatar: sql<string>`coalesce(${users.avatar}, '')`,
      payload: sql<Record<string, unknown>>`${favorites.payload}`,
      createdAt: favorites.createdAt,
    })
    .from(favorites)
    .leftJoin(users, eq(users.uid, favorites.authorUid))
    .where(eq(favorites.userId, userId))
    .orderBy(desc(favorites.createdAt), desc(favorites.id))
    .limit(pageSize)
    .offset((pageIndex - 1) * pageSize);
}
