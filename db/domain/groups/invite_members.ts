import { sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { instant, listOf } from "../../sql.ts";
import { ContentType } from "../messages/rules.ts";
import { readDeciders } from "./announce.ts";
import { changeGroupAs } from "./change.ts";
import { readNewcomers } from "./people.ts";

/**
 * A member asks owner and managers to let people in; they alone see the request.
 *
 * @returns the invitation's number
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_members_invalid`
 */
export async function inviteMembers(
  ctx: Ctx,
  { groupNo, actorId, uids, remark }: {
    groupNo: string;
    actorId: number;
    uids: readonly string[];
    remark: string;
  },
): Promise<string> {
  const inviteNo = randomHex32();
  await changeGroupAs(
    ctx,
    { groupNo, actorId, action: "invite" },
    async ({ ctx: tx, group, actor, announcer }) => {
      const people = await readNewcomers(tx, { uids, groupId: group.id });
      const userIds = people.map(({ userId }) => userId);
      await tx.db.execute(sql`
        insert into group_invites (id, group_id, inviter_id, user_ids, remark, created_at)
        values (${inviteNo}, ${group.id}, ${actorId}, ${listOf(userIds, "bigint")}, ${remark},
          ${instant(tx.now())})`);
      await announcer.announce({
        type: ContentType.inviteRequested,
        from: actor,
        content: `{0}想邀请${people.length}位朋友加入群聊`,
        extra: [actor],
        more: { invite_no: inviteNo },
        visibleTo: await readDeciders(tx, group.id),
      });
    },
  );
  return inviteNo;
}
