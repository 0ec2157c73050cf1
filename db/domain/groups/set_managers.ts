import type { Ctx } from "../../client/ctx.ts";
import { MemberRole } from "../../schema/groups.ts";
import { DomainError } from "../errors.ts";
import { changeGroup, type GroupActor, type GroupPlace } from "./change.ts";
import { setRole } from "./membership.ts";
import { readMembers } from "./people.ts";
import { actorOf } from "./rules.ts";

/**
 * The owner makes people managers, or plain members again; who is not in the group is passed over.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`, `self_refused`,
 *   `group_members_invalid` when too many are named
 */
export async function setManagers(
  ctx: Ctx,
  place: GroupPlace,
  { by, uids, action }: {
    by: GroupActor;
    uids: readonly string[];
    action: "appoint" | "dismiss";
  },
): Promise<void> {
  await changeGroup(ctx, place, { by, action }, async (change) => {
    const { ctx: tx, group, announcer, may } = change;
    if (uids.includes(change.by!.uid)) throw new DomainError("self_refused");
    const people = await readMembers(tx, { uids, groupId: group.id });
    if (people.some(({ role }) => !may(actorOf(role)))) throw new DomainError("group_no_right");
    const role = action === "appoint" ? MemberRole.manager : MemberRole.member;
    const changed = people.filter((person) => person.role !== role);
    if (changed.length === 0) return;
    await setRole(tx, group, { people: changed, role });
    await announcer.tell({ kind: "managers_changed" });
  });
}
