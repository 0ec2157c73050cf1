import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { changeGroup } from "./change.ts";
import { openCode } from "./codes.ts";
import { insertMembers } from "./membership.ts";
import { readAbsent } from "./people.ts";
import { type GroupView, readGroup } from "./reads.ts";

/**
 * Whoever scanned a group's code joins, as if who showed it had added them; joining again changes
 * nothing. The code that says who is good for that person and group alone, and no longer than both
 * have been where they were when the QR code was made: it brings back nobody who was removed, and
 * who was removed brings nobody.
 *
 * @throws {DomainError} `auth_code_invalid`, `group_missing`, `group_no_right` when who showed the
 *   code may no longer add people, and for who is on the group's blacklist
 */
export async function joinByScan(
  ctx: Ctx,
  { groupNo, authCode }: { groupNo: string; authCode: string },
): Promise<void> {
  const join = openCode(ctx, "group.join", authCode);
  if (!join || join.groupNo !== groupNo) throw new DomainError("auth_code_invalid");
  const deed = { by: { door: "code", userId: join.generatorId }, action: "add" } as const;
  await changeGroup(ctx, { groupNo }, deed, async ({ ctx: tx, group, announcer, by: inviter }) => {
    if (await wasOutSince(tx, { groupId: group.id, ...join })) {
      throw new DomainError("auth_code_invalid");
    }
    const people = await readAbsent(tx, { userIds: [join.userId], groupId: group.id });
    const [person] = people;
    if (!person) return;
    const added = await insertMembers(tx, group, { people, inviterId: join.generatorId });
    // Whom the group's blacklist keeps out.
    if (added.length === 0) throw new DomainError("group_no_right");
    await announcer.tell({ kind: "joined_by_scan", person, inviter: inviter! });
  });
}

/** Whether who showed the code, or who scanned it, has left the group or been removed since. */
async function wasOutSince(
  ctx: Ctx,
  { groupId, generatorId, userId, madeAtMs = 0 }: {
    groupId: number;
    generatorId: number;
    userId: number;
    madeAtMs?: number;
  },
): Promise<boolean> {
  const madeAt = instant(new Date(madeAtMs));
  const { rows } = await ctx.db.execute(sql`
    select 1 from group_members where group_id = ${groupId} and (
      (user_id = ${userId} and removed_at >= ${madeAt})
      or (user_id = ${generatorId} and joined_at > ${madeAt}))`);
  return rows.length > 0;
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
