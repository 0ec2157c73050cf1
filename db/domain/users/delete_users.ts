import { type Ctx, withTx } from "../../client/ctx.ts";
import { UserStatus } from "../../schema/users.ts";
import type { OperatorActor } from "../operators/actor.ts";
import { endSessions } from "../sessions/session_cache.ts";
import { applyChanges, lockUsers } from "./apply_changes.ts";
import { recordChanges } from "./record_changes.ts";

/**
 * Deletes people: status 4, logged out everywhere at once. Their row stays; their number is free:
 * whoever logs in with it is somebody new. Operators are still shown whose it was. Deleted again,
 * nothing happens.
 * @returns those there are of the ids, in their order; at most `BULK_COUNT_MAX`: callers check that
 */
export async function deleteUsers(
  ctx: Ctx,
  { actor, userIds }: { actor: OperatorActor; userIds: number[] },
): Promise<number[]> {
  const { deletedIds, endedTokens } = await withTx(ctx, async (tx) => {
    const locked = await lockUsers(tx, userIds);
    const deletedIds = [...new Set(userIds)].filter((userId) => locked.has(userId));
    const changes = deletedIds.map((userId) => ({ userId, status: UserStatus.deleted }));
    const { changed, endedTokens } = await applyChanges(tx, { locked, changes });
    await recordChanges(tx, { actor, action: "user.delete", changed });
    return { deletedIds, endedTokens };
  });
  await endSessions(ctx, endedTokens);
  return deletedIds;
}
