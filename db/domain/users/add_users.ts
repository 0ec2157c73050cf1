import { sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { instant, int8, rows, text } from "../../sql.ts";
import type { Mobile } from "../captchas/rules.ts";
import type { OperatorActor } from "../operators/actor.ts";
import { insertPerson, mobileColumns } from "./insert_person.ts";
import type { ManagedUser, Status } from "./managed_user.ts";
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
 * @returns them in the order given, at most `BULK_COUNT_MAX`: callers have checked that
 * @throws {DomainError} `account_exists` for a number somebody has
 */
export async function addUsers(
  ctx: Ctx,
  { actor, added }: { actor: OperatorActor; added: NewUser[] },
): Promise<ManagedUser[]> {
  const mobiles = added.map(({ mobile }) => mobile);
  refuseRepeatedMobiles(mobiles);
  return await refuseTakenMobile(ctx, { mobiles, ownIds: [] }, () =>
    withTx(ctx, async (tx) => {
      const made = await insertPeople(tx, added);
      const changed = made.map((after) => ({ before: null, after }));
      await recordChanges(tx, { actor, action: "user.create", changed });
      return made;
    }));
}

async function insertPeople(tx: Ctx, added: NewUser[]): Promise<ManagedUser[]> {
  const at = tx.now();
  const people = added.map(({ name, mobile, exchanger, status }) => ({
    nickname: name,
    ...mobileColumns(mobile),
    exchanger,
    status,
    profile_at: instant(at),
  }));
  const inserted = sql`${insertPerson(at, people)} returning id, uid`;
  const made = await rows(tx, inserted, { id: int8, uid: text });
  return made.map((numbers, place) => ({
    ...numbers,
    ...added[place]!,
    parentId: null,
    createdAt: at,
    updatedAt: at,
    lastLoginAt: null,
    deletedAt: null,
    freedMobile: null,
  }));
}
