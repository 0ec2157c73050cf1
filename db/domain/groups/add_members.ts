import type { Ctx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import { ContentType } from "../messages/rules.ts";
import { literal, placeholders } from "../messages/template.ts";
import { type Change, changeGroupAs } from "./change.ts";
import { insertMembers } from "./membership.ts";
import { type Person, readNewcomers } from "./people.ts";
import { addingIn, can } from "./rules.ts";

/**
 * A member adds people; who is in already, and whose account is gone, is passed over.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right` for a plain member
 *   while invitations are confirmed, `group_members_invalid` when nobody is left
 */
export async function addMembers(
  ctx: Ctx,
  { groupNo, actorId, uids }: { groupNo: string; actorId: number; uids: readonly string[] },
): Promise<void> {
  await changeGroupAs(ctx, { groupNo, actorId }, async (change) => {
    const { group, actor } = change;
    if (!can(actor.role, addingIn(group))) throw new DomainError("group_no_right");
    const people = await readNewcomers(change.ctx, { uids, groupId: group.id });
    await letIn(change, { inviter: actor, people });
  });
}

/** Puts people into a locked group in the inviter's name, and says so. */
export async function letIn(
  { ctx, group, announcer }: Change,
  { inviter, people }: { inviter: Person; people: Person[] },
): Promise<void> {
  await insertMembers(ctx, group, { people, inviterId: inviter.userId });
  await announcer.announce({
    type: ContentType.membersAdded,
    from: inviter,
    content: `${literal(inviter.name)}邀请${placeholders(people.length)}加入群聊`,
    extra: people,
  });
}
