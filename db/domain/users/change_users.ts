import { type Ctx, withTx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import type { OperatorActor } from "../operators/actor.ts";
import { endSessions } from "../sessions/session_cache.ts";
import { applyChanges, lockUsers, type UserChange } from "./apply_changes.ts";
import { findRepeated } from "./managed_rules.ts";
import type { ManagedUser } from "./managed_user.ts";
import { refuseRepeatedMobiles, refuseTakenMobile } from "./mobile_taken.ts";
import { recordChanges } from "./record_changes.ts";

/**
 * Changes people, all of them or nobody; of two operators at once the later one wins. Who is
 * disabled or deleted is logged out everywhere at once; a deleted one given another status is back.
 * The login name of the chat app follows the number it was made of. What is as it was already
 * leaves no trace.
 * @returns the people in the order of `changes`, at most `BULK_COUNT_MAX`: callers have checked that
 * @throws {DomainError} `user_missing`; `account_exists` for a number somebody has;
 *   `params_invalid` for a person named twice
 */
export async function changeUsers(
  ctx: Ctx,
  { actor, changes }: { actor: OperatorActor; changes: UserChange[] },
): Promise<ManagedUser[]> {
  const userIds = changes.map(({ userId }) => userId);
  const repeated = findRepeated(userIds);
  if (repeated !== undefined) {
    throw new DomainError("params_invalid", {
      message: `用户${repeated}重复`,
      english: `User ${repeated} is named twice`,
    });
  }
  const mobiles = changes.flatMap(({ mobile }) => mobile ? [mobile] : []);
  refuseRepeatedMobiles(mobiles);
  const { users, endedTokens } = await refuseTakenMobile(
    ctx,
    { mobiles, ownIds: userIds },
    () =>
      withTx(ctx, async (tx) => {
        const locked = await lockUsers(tx, userIds);
        const missing = userIds.find((userId) => !locked.has(userId));
        if (missing !== undefined) {
          throw new DomainError("user_missing", {
            message: `用户${missing}不存在`,
            english: `There is no user ${missing}`,
          });
        }
        const { changed, endedTokens } = await applyChanges(tx, { locked, changes });
        await recordChanges(tx, { actor, action: "user.update", changed });
        for (const { after } of changed) locked.set(after.id, after);
        return { users: userIds.map((userId) => locked.get(userId)!), endedTokens };
      }),
  );
  await endSessions(ctx, endedTokens);
  return users;
}
