import { sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { BUILT_IN_UIDS } from "../../schema/users.ts";
import { DomainError } from "../errors.ts";
import { userIdOf } from "../paging/keyset.ts";
import { command, sendNotice } from "./notices.ts";
import { lockPair, movedHeads } from "./pair.ts";

/**
 * Ends a friendship on both sides and tells both. The rows stay, so that syncs carry the end. The
 * built-in accounts stay friends.
 * @throws {DomainError} `friend_missing`
 */
export async function deleteFriend(
  ctx: Ctx,
  { userId, uid }: { userId: number; uid: string },
): Promise<void> {
  if (BUILT_IN_UIDS.includes(uid)) {
    throw new DomainError("friend_missing", { message: "系统账号不能删除" });
  }
  const { own, other } = await withTx(ctx, async (ctx) => {
    const pair = await lockPair(ctx, { userId, otherId: userIdOf(uid) });
    if (!pair) throw new DomainError("friend_missing");
    const otherId = pair.other.userId;
    const { rows } = await ctx.db.execute(sql`
      with changed as (${movedHeads(ctx.now(), [userId, otherId])})
      update friends set is_deleted = true, updated_at = changed.at from changed
      where not is_deleted and changed.user_id = friends.user_id
        and ((friends.user_id = ${userId} and friend_id = ${otherId})
          or (friends.user_id = ${otherId} and friend_id = ${userId}))
      returning id`);
    if (rows.length === 0) throw new DomainError("friend_missing");
    return pair;
  });
  await sendNotice(ctx, {
    senderId: own.userId,
    receiverId: other.userId,
    payload: command("friendDeleted", { to_uid: other.uid, from_uid: own.uid }),
    redDot: false,
  });
}
