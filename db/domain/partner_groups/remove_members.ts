import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { readAppMembers } from "../groups/app_people.ts";
import { disbandedNews, removedNews } from "../groups/news.ts";
import { dismiss } from "../groups/take_out.ts";
import { type Caller, changePartnerGroup } from "./change_as.ts";

/**
 * Takes people out of a group, or lets one leave; who is not in it is passed over. The master may
 * go like anybody, and stays the master. Those who go hear of it as those who stay do.
 *
 * @throws {DomainError} `group_missing`, and for a client `group_no_right`: only the master removes
 *   people, and everybody leaves for themselves
 */
export async function removePartnerMembers(
  ctx: Ctx,
  { caller, groupId, appUids, action }: {
    caller: Caller;
    groupId: number;
    appUids: readonly number[];
    action: "remove" | "leave";
  },
): Promise<void> {
  const hasLeft = action === "leave";
  const place = { caller, groupId, action, appUid: appUids[0] };
  await changePartnerGroup(ctx, place, async (change) => {
    const { ctx: tx, tenantId } = change;
    const people = await readAppMembers(tx, { tenantId, appUids, groupId });
    if (people.length === 0) return;
    const said = removedNews({ groupId, at: tx.now() }, { people, hasLeft });
    await dismiss(change, { people, said });
  });
}

/**
 * Ends a group: nobody is in it any more, and everybody who was hears of it.
 *
 * @throws {DomainError} `group_missing`, also for a disbanded one, `group_no_right` for a client
 *   who is not the master
 */
export async function disbandGroup(
  ctx: Ctx,
  { caller, groupId }: { caller: Caller; groupId: number },
): Promise<void> {
  const place = { caller, groupId, action: "disband" } as const;
  await changePartnerGroup(ctx, place, async (change) => {
    const { ctx: tx } = change;
    const { rows } = await tx.db.execute<{ user_id: string }>(sql`
      select user_id from group_members
      where group_id = ${groupId} and removed_at is null order by user_id`);
    const people = rows.map(({ user_id }) => ({ userId: Number(user_id) }));
    await dismiss(change, { people, said: disbandedNews({ groupId, at: tx.now() }) });
    await tx.db.execute(sql`
      update groups set disbanded_at = ${instant(tx.now())} where id = ${groupId}`);
  });
}
