import type { Ctx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import { ContentType } from "../messages/rules.ts";
import { literal, placeholders } from "../messages/template.ts";
import { lockInboxes } from "./announce.ts";
import { changeGroupAs } from "./change.ts";
import { removeMembers } from "./membership.ts";
import { readMembers } from "./people.ts";
import { can } from "./rules.ts";

/**
 * Owner or managers remove people; who is not in the group is passed over. The removed are told
 * while they still belong to it, the others when they no longer do.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`, `self_refused`,
 *   `group_members_invalid` when nobody is left
 */
export async function expelMembers(
  ctx: Ctx,
  { groupNo, actorId, uids }: { groupNo: string; actorId: number; uids: readonly string[] },
): Promise<void> {
  await changeGroupAs(ctx, { groupNo, actorId }, async ({ ctx: tx, group, actor, announcer }) => {
    const people = await readMembers(tx, { uids, groupId: group.id });
    // Nobody but a plain member may remove nobody at all; that is said before who is named.
    if (!can(actor.role, "remove", 0)) throw new DomainError("group_no_right");
    if (people.some(({ userId }) => userId === actorId)) throw new DomainError("self_refused");
    if (people.length === 0) throw new DomainError("group_members_invalid");
    if (people.some(({ role }) => !can(actor.role, "remove", role))) {
      throw new DomainError("group_no_right");
    }
    await lockInboxes(tx, group.id);
    await announcer.announce({
      type: ContentType.youWereRemoved,
      from: actor,
      content: "你被{0}移出群聊",
      extra: [actor],
      visibleTo: people,
      redDot: false,
      inConversations: false,
    });
    await removeMembers(tx, group, people);
    await announcer.announce({
      type: ContentType.membersRemoved,
      from: actor,
      content: `${literal(actor.name)}将${placeholders(people.length)}移出群聊`,
      extra: people,
    });
  });
}
