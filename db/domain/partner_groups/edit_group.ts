import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { editedNews, upgradedCommand } from "../groups/news.ts";
import { type Caller, changePartnerGroup } from "./change_as.ts";

/**
 * Changes a group's name, or else its notice, and tells its members.
 *
 * @throws {DomainError} `group_missing`, `group_not_member` for a client, `message_invalid` when
 *   the text does not fit a message
 */
export async function editPartnerGroup(
  ctx: Ctx,
  { caller, groupId, name, notice = "" }: {
    caller: Caller;
    groupId: number;
    name?: string | undefined;
    notice?: string | undefined;
  },
): Promise<void> {
  const place = { caller, groupId, action: "edit" } as const;
  await changePartnerGroup(ctx, place, async ({ ctx: tx, group, announcer, actor }) => {
    const column = name === undefined ? sql`notice = ${notice}` : sql`name = ${name}`;
    await tx.db.execute(sql`update groups set ${column} where id = ${group.id}`);
    const of = { groupId, at: tx.now() };
    const [key, text] = name === undefined ? ["notice", notice] as const : ["name", name] as const;
    await announcer.announce(editedNews(of, { actor, key, text }));
  });
}

/**
 * Makes a group a super group for good: from then on it keeps one log. A second time changes
 * nothing. Members hear of it where they have heard of the group until now: a client that does not
 * know of the log yet would not look there.
 *
 * @throws {DomainError} `group_missing`
 */
export async function upgradeGroup(
  ctx: Ctx,
  { tenantId, groupId }: { tenantId: number; groupId: number },
): Promise<void> {
  const place = { caller: { tenantId }, groupId, action: "edit" } as const;
  await changePartnerGroup(ctx, place, async ({ ctx: tx, group, announcer }) => {
    if (group.isSuper) return;
    await announcer.command(upgradedCommand({ groupId, at: tx.now() }, group));
    await tx.db.execute(sql`update groups set is_super = true where id = ${group.id}`);
  });
}
