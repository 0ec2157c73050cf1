import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import { changeGroupAs } from "./change.ts";
import { readMembers } from "./people.ts";
import { can } from "./rules.ts";

/**
 * Sets what a member is called in the group: by themselves, by the owner or by a manager.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`,
 *   `group_members_invalid` when nobody of that uid is in the group
 */
export async function remarkMember(
  ctx: Ctx,
  { groupNo, actorId, uid, remark }: {
    groupNo: string;
    actorId: number;
    uid: string;
    remark: string | undefined;
  },
): Promise<void> {
  await changeGroupAs(ctx, { groupNo, actorId }, async ({ ctx: tx, group, actor, announcer }) => {
    const [member] = await readMembers(tx, { uids: [uid], groupId: group.id });
    if (!member) throw new DomainError("group_members_invalid");
    if (member.userId !== actorId && !can(actor.role, "remark", member.role)) {
      throw new DomainError("group_no_right");
    }
    if (remark === undefined) return;
    await tx.db.execute(sql`
      update group_members set nickname = ${remark}, version = ${group.version}
      where group_id = ${group.id} and user_id = ${member.userId}`);
    await announcer.commandMemberUpdate(uid);
  });
}
