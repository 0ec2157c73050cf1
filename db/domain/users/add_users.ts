import { sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { users } from "../../schema/users.ts";
import type { Mobile } from "../captchas/rules.ts";
import type { OperatorActor } from "../operators/actor.ts";
import { type ManagedUser, managedUser, type Status, userColumns } from "./managed_user.ts";
import { refuseRepeatedMobiles, refuseTakenMobile } from "./mobile_taken.ts";
import { recordChanges } from "./record_changes.ts";

export interface NewUser {
  name: string;
  mobile: Mobile;
  exchanger: boolean;
  /** Not deleted. */
  status: Status;
}

/**
 * Adds people, all of them or nobody. They log in with their number as if they had registered, and
 * have a profile: the name.
 *
 * @returns them in the order given, at most `BULK_COUNT_MAX`: callers have checked that
 * @throws {DomainError} `account_exists` for a number somebody has
 */
export async function addUsers(
  ctx: Ctx,
  { actor, added }: { actor: OperatorActor; added: NewUser[] },
): Promise<ManagedUser[]> {
  const mobiles = added.map(({ mobile }) => mobile);
  refuseRepeatedMobiles(mobiles);
  const uids = added.map(() => randomHex32());
  return await refuseTakenMobile(ctx, { mobiles, ownIds: [] }, () =>
    withTx(ctx, async (tx) => {
      const now = tx.now();
      const rows = await tx.db.insert(users).values(added.map((user, at) => ({
        id: sql`nextval('users_id_seq')`,
        appUid: sql`currval('users_id_seq')`,
        uid: uids[at]!,
        countryCode: user.mobile.countryCode,
        mobile: user.mobile.number,
        nickname: user.name,
        exchanger: user.exchanger,
        status: user.status,
        profileAt: now,
        createdAt: now,
        updatedAt: now,
      }))).returning(userColumns);
      const byUid = new Map(rows.map((row) => [row.uid, managedUser(row)]));
      const made = uids.map((uid) => byUid.get(uid)!);
      const changed = made.map((after) => ({ before: null, after }));
      await recordChanges(tx, { actor, action: "user.create", changed });
      return made;
    }));
}
