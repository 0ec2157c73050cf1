import type { Ctx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import { ContentType } from "../messages/rules.ts";
import { changeGroup } from "./change.ts";
import { openCode } from "./codes.ts";
import { insertMembers } from "./membership.ts";
import { findMember, readAbsent } from "./people.ts";
import { type GroupView, readGroup } from "./reads.ts";
import { addingIn, can } from "./rules.ts";

/**
 * Whoever scanned a group's code joins, as if who showed it had added them; joining again changes
 * nothing. The code that says who is good for that person and group alone.
 *
 * @throws {DomainError} `auth_code_invalid`, `group_missing`, `group_no_right` when who showed the
 *   code may no longer add people
 */
export async function joinByScan(
  ctx: Ctx,
  { groupNo, authCode }: { groupNo: string; authCode: string },
): Promise<void> {
  const join = openCode(ctx, "group.join", authCode);
  if (!join || join.groupNo !== groupNo) throw new DomainError("auth_code_invalid");
  await changeGroup(ctx, { groupNo }, async ({ ctx: tx, group, announcer }) => {
    const inviter = await findMember(tx, { userId: join.generatorId, groupId: group.id });
    if (!inviter || !can(inviter.role, addingIn(group))) throw new DomainError("group_no_right");
    const people = await readAbsent(tx, { userIds: [join.userId], groupId: group.id });
    const [newcomer] = people;
    if (!newcomer) return;
    await insertMembers(tx, group, { people, inviterId: inviter.userId });
    await announcer.announce({
      type: ContentType.joinedByScan,
      from: newcomer,
      content: "{0}通过{1}的二维码加入群聊",
      extra: [newcomer, inviter],
    });
  });
}

/**
 * The group a scanned code lets somebody join, for the page that asks them.
 *
 * @throws {DomainError} `auth_code_invalid`, `group_missing`
 */
export async function readGroupToJoin(
  ctx: Ctx,
  { groupNo, authCode }: { groupNo: string; authCode: string },
): Promise<GroupView> {
  const join = openCode(ctx, "group.join", authCode);
  if (!join || join.groupNo !== groupNo) throw new DomainError("auth_code_invalid");
  const group = await readGroup(ctx, { groupNo, userId: join.userId });
  if (group.isDisbanded) throw new DomainError("group_missing");
  return group;
}
