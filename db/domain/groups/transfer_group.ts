import type { Ctx } from "../../client/ctx.ts";
import { MemberRole } from "../../schema/groups.ts";
import { DomainError } from "../errors.ts";
import { ContentType } from "../messages/rules.ts";
import { changeGroupAs, type MemberChange } from "./change.ts";
import { passOwnership } from "./membership.ts";
import { type Person, readMembers } from "./people.ts";
import { can } from "./rules.ts";

/**
 * The owner makes another member the owner, and becomes a plain one.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`, `self_refused`,
 *   `group_members_invalid` when the heir is not in the group
 */
export async function transferGroup(
  ctx: Ctx,
  { groupNo, actorId, toUid }: { groupNo: string; actorId: number; toUid: string },
): Promise<void> {
  await changeGroupAs(ctx, { groupNo, actorId }, async (change) => {
    const { ctx: tx, group, actor } = change;
    if (!can(actor.role, "transfer", MemberRole.member)) throw new DomainError("group_no_right");
    if (actor.uid === toUid) throw new DomainError("self_refused");
    const [heir] = await readMembers(tx, { uids: [toUid], groupId: group.id });
    if (!heir) throw new DomainError("group_members_invalid");
    await handOver(change, heir);
  });
}

/** Passes a locked group from its owner to `heir`, and says so. */
export async function handOver(
  { ctx, group, actor, announcer }: MemberChange,
  heir: Person,
): Promise<void> {
  await passOwnership(ctx, group, { owner: actor, heir });
  await announcer.announce({
    type: ContentType.ownerChanged,
    from: actor,
    content: "{0}已成为新群主",
    extra: [heir],
  });
}
