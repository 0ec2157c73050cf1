import type { Ctx } from "../../client/ctx.ts";
import { MemberRole } from "../../schema/groups.ts";
import { DomainError } from "../errors.ts";
import { changeGroupAs } from "./change.ts";
import { setRole } from "./membership.ts";
import { readMembers } from "./people.ts";
import { can } from "./rules.ts";

/**
 * The owner makes people managers, or plain members again; who is not in the group is passed over.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`, `self_refused`,
 *   `group_members_invalid` when too many are named
 */
export async function setManagers(
  ctx: Ctx,
  { groupNo, actorId, uids, action }: {
    groupNo: string;
    actorId: number;
    uids: readonly string[];
    action: "appoint" | "dismiss";
  },
): Promise<void> {
  await changeGroupAs(ctx, { groupNo, actorId }, async ({ ctx: tx, group, actor, announcer }) => {
    if (!can(actor.role, action, MemberRole.member)) throw new DomainError("group_no_right");
    if (uids.includes(actor.uid)) throw new DomainError("self_refused");
    const people = await readMembers(tx, { uids, groupId: group.id });
    if (people.some(({ role }) => !can(actor.role, action, role))) {
      throw new DomainError("group_no_right");
    }
    const role = action === "appoint" ? MemberRole.manager : MemberRole.member;
    const changed = people.filter((person) => person.role !== role);
    if (changed.length === 0) return;
    await setRole(tx, group, { people: changed, role });
    await announcer.commandMemberUpdate();
  });
}
