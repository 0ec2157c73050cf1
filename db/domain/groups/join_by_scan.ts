import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { bool, instant, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { present } from "../users/who_is_there.ts";
import { changeGroup } from "./change.ts";
import { type Codes, openCode } from "./codes.ts";
import { insertMembers } from "./membership.ts";
import { PERSON, PERSON_COLUMNS } from "./people.ts";
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
    const newcomer = await readNewcomer(tx, { ...join, groupId: group.id });
    if (!newcomer) return;
    const { wasOut, ...person } = newcomer;
    if (wasOut) throw new DomainError("auth_code_invalid");
    const people = [person];
    const added = await insertMembers(tx, group, { people, inviterId: join.generatorId });
    // Whom the group's blacklist keeps out.
    if (added.length === 0) throw new DomainError("group_no_right");
    await announcer.tell({ kind: "joined_by_scan", person, inviter: inviter! });
  });
}

/**
 * Who scanned the code, if they live and are not in the group; and whether they have left it or been
 * removed since the QR code was made, or who showed it has.
 */
async function readNewcomer(
  ctx: Ctx,
  { groupId, generatorId, userId, madeAtMs }: Codes["group.join"] & { groupId: number },
) {
  // Of an old code nobody knows when it was made: it brings back nobody who was ever out.
  const outSince = instant(new Date(madeAtMs ?? 0));
  const inSince = instant(madeAtMs === undefined ? ctx.now() : new Date(madeAtMs));
  const [newcomer] = await rows(
    ctx,
    sql`
      select ${PERSON}, exists (select 1 from group_members where group_id = ${groupId} and (
        (user_id = ${userId} and removed_at >= ${outSince})
        or (user_id = ${generatorId} and joined_at > ${inSince}))) as was_out
      from users where users.id = ${userId} and ${present}
        and not exists (select 1 from group_members where group_id = ${groupId}
          and user_id = users.id and removed_at is null)`,
    { ...PERSON_COLUMNS, wasOut: bool },
  );
  return newcomer;
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
