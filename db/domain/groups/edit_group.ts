import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ContentType } from "../messages/rules.ts";
import { literal } from "../messages/template.ts";
import { changeGroupAs, type MemberChange } from "./change.ts";
import { cutName } from "./rules.ts";

/** What of a group may be edited; what is absent stays. */
export interface GroupEdit {
  name?: string | undefined;
  notice?: string | undefined;
  /** Newcomers are confirmed by owner and managers. */
  invite?: boolean | undefined;
}

/**
 * Changes name, notice or invitations of a group, and says each in a message of its own.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`
 */
export async function editGroup(
  ctx: Ctx,
  { groupNo, actorId, ...edit }: GroupEdit & { groupNo: string; actorId: number },
): Promise<void> {
  await changeGroupAs(ctx, { groupNo, actorId, action: "edit" }, async (change) => {
    const { name: given, notice, invite } = edit;
    const name = given === undefined ? undefined : cutName(given);
    await setColumns(change, [
      ...name === undefined ? [] : [sql`name = ${name}`],
      ...notice === undefined ? [] : [sql`notice = ${notice}`],
      ...invite === undefined ? [] : [sql`invite = ${invite}`],
    ]);
    if (name !== undefined) {
      await say(change, "name", name, `{0}修改群名为“${literal(name)}”`);
    }
    if (notice !== undefined) {
      const text = notice === "" ? "{0}清空了群公告" : `{0}修改群公告为“${literal(notice)}”`;
      await say(change, "notice", notice, text);
    }
    if (invite !== undefined) {
      const text = invite
        ? "{0}已启用“群聊邀请确认”，群成员需群主或群管理员确认才能邀请朋友进群"
        : "{0}已恢复默认进群方式";
      await say(change, "invite", invite ? "1" : "0", text);
    }
  });
}

/**
 * Lets only owner and managers speak, or everybody again.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`
 */
export async function forbidGroup(
  ctx: Ctx,
  { groupNo, actorId, on }: { groupNo: string; actorId: number; on: boolean },
): Promise<void> {
  await changeGroupAs(ctx, { groupNo, actorId, action: "forbid" }, async (change) => {
    await setColumns(change, [sql`forbidden = ${on}`]);
    await say(change, "forbidden", on ? "1" : "0", on ? "{0}开启了全员禁言" : "{0}关闭了全员禁言");
  });
}

async function setColumns({ ctx, group }: MemberChange, columns: SQL[]): Promise<void> {
  if (columns.length === 0) return;
  await ctx.db.execute(sql`update groups set ${sql.join(columns, sql`, `)} where id = ${group.id}`);
}

/** One `data` a message: clients look at the one key it has. */
async function say(
  { announcer, actor }: MemberChange,
  key: string,
  value: string,
  content: string,
): Promise<void> {
  await announcer.announce({
    type: ContentType.groupUpdated,
    from: actor,
    content,
    extra: [actor],
    more: { data: { [key]: value } },
  });
}
