import { sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { instant, listOf } from "../../sql.ts";
import { readDeciders } from "./announce.ts";
import { changeGroup, type GroupActor, type GroupPlace } from "./change.ts";
import { readNewcomers } from "./people.ts";

/**
 * A member asks owner and managers to let people in whom they might add; they alone see the request.
 *
 * @returns the invitation's number
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_members_invalid`
 */
export async function inviteMembers(
  ctx: Ctx,
  place: GroupPlace,
  { by, uids, remark }: { by: GroupActor; uids: readonly string[]; remark: string },
): Promise<string> {
  const inviteNo = randomHex32();
  await changeGroup(ctx, place, { by, action: "invite" }, async (change) => {
    const { ctx: tx, group, announcer } = change;
    const inviter = change.by!;
    const asked = { userId: inviter.userId, friendsOnly: tx.config.groupAddFriendsOnly };
    const people = await readNewcomers(tx, { uids, groupId: group.id, by: asked });
    const userIds = people.map(({ userId }) => userId);
    await tx.db.execute(sql`
      insert into group_invites (id, group_id, inviter_id, user_ids, remark, created_at)
      values (${inviteNo}, ${group.id}, ${inviter.userId}, ${listOf(userIds, "bigint")}, ${remark},
        ${instant(tx.now())})`);
    const deciders = await readDeciders(tx, group.id);
    const count = people.length;
    await announcer.tell({ kind: "let_in_asked", by: inviter, inviteNo, count, deciders });
  });
  return inviteNo;
}
