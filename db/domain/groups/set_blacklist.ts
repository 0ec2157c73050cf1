import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, int8, listOf, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { changeGroup, type GroupActor, type GroupPlace } from "./change.ts";
import { role, uidsOf } from "./people.ts";
import { actorOf } from "./rules.ts";

/**
 * Keeps members from speaking, and from coming in again once they have left, or no longer; who is
 * not in the group, or not on its blacklist, is passed over.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right` for who is no plain
 *   member, `group_members_invalid` when too many are named, or nobody named is in the group
 */
export async function setBlacklist(
  ctx: Ctx,
  place: GroupPlace,
  { by, uids, on }: { by: GroupActor; uids: readonly string[]; on: boolean },
): Promise<void> {
  const named = listOf(uidsOf(uids), "text");
  await changeGroup(ctx, place, { by, action: "blacklist" }, async (change) => {
    const { ctx: tx, group, announcer, may } = change;
    // Of who has left the row stays, and with it whether they may come back.
    const people = await rows(
      tx,
      sql`
        update group_members set version = ${group.version},
          blacklisted_at = case when ${on} then coalesce(blacklisted_at, ${instant(tx.now())}) end
        from users
        where group_id = ${group.id} and users.id = group_members.user_id
          and users.uid = any(${named})
          and case when ${on} then removed_at is null else blacklisted_at is not null end
        returning group_members.user_id, role`,
      { userId: int8, role },
    );
    if (people.some(({ role }) => !may(actorOf(role)))) throw new DomainError("group_no_right");
    if (people.length > 0) return await announcer.tell({ kind: "blacklist_changed" });
    if (on) throw new DomainError("group_members_invalid");
  });
}
