import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { MemberRole } from "../../schema/groups.ts";
import { instant } from "../../sql.ts";
import { ContentType } from "../messages/rules.ts";
import { changeGroupAs } from "./change.ts";
import { removeMembers } from "./membership.ts";
import type { Person } from "./people.ts";
import { handOver } from "./transfer_group.ts";

/**
 * Somebody leaves. A group always has one owner: when the owner leaves, the manager who has been
 * there longest is the next one, or else the member; the last to leave takes the group along.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`
 */
export async function leaveGroup(
  ctx: Ctx,
  { groupNo, userId }: { groupNo: string; userId: number },
): Promise<void> {
  await changeGroupAs(ctx, { groupNo, actorId: userId, action: "leave" }, async (change) => {
    const { ctx: tx, group, actor, announcer } = change;
    const isOwner = actor.role === MemberRole.owner;
    const heir = isOwner ? await findHeir(tx, { groupId: group.id, ownerId: userId }) : undefined;
    if (isOwner && !heir) {
      await removeMembers(tx, group, [actor]);
      await tx.db.execute(sql`
        update groups set disbanded_at = ${instant(tx.now())} where id = ${group.id}`);
      return;
    }
    if (heir) await handOver(change, heir);
    await removeMembers(tx, group, [actor]);
    await announcer.announce({
      type: ContentType.memberLeft,
      from: actor,
      content: "{0}退出群聊",
      extra: [actor],
    });
  });
}

async function findHeir(
  ctx: Ctx,
  { groupId, ownerId }: { groupId: number; ownerId: number },
): Promise<Person | undefined> {
  const { rows: [row] } = await ctx.db.execute<{ user_id: string; uid: string; name: string }>(sql`
    select users.id as user_id, users.uid, users.nickname as name
    from group_members join users on users.id = group_members.user_id
    where group_members.group_id = ${groupId} and group_members.removed_at is null
      and group_members.user_id <> ${ownerId}
    order by group_members.role = ${MemberRole.manager} desc, group_members.joined_at,
      group_members.id
    limit 1`);
  return row && { userId: Number(row.user_id), uid: row.uid, name: row.name };
}
