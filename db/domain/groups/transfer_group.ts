import type { Ctx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import { changeGroup, type GroupActor, type GroupPlace } from "./change.ts";
import { readMembers } from "./people.ts";
import { handOver } from "./take_out.ts";

/**
 * The owner makes another member the owner, and becomes a plain one.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`, `self_refused`,
 *   `group_members_invalid` when the heir is not in the group
 */
export async function transferGroup(
  ctx: Ctx,
  place: GroupPlace,
  { by, toUid }: { by: GroupActor; toUid: string },
): Promise<void> {
  await changeGroup(ctx, place, { by, action: "transfer" }, async (change) => {
    const owner = change.by!;
    if (owner.uid === toUid) throw new DomainError("self_refused");
    const [heir] = await readMembers(change.ctx, { uids: [toUid], groupId: change.group.id });
    if (!heir) throw new DomainError("group_members_invalid");
    await handOver(change, { owner, heir });
  });
}
