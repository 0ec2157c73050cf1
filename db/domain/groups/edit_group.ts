import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { type Change, changeGroup, type GroupActor, type GroupPlace } from "./change.ts";

/** What of a group may be edited; what is absent stays. */
export interface GroupEdit {
  name?: string | undefined;
  /** Empty: none. */
  notice?: string | undefined;
  /** Newcomers are confirmed by owner and managers. */
  invite?: boolean | undefined;
}

/**
 * Changes name, notice or invitations of a group, and says each in a message of its own.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`, `message_invalid`
 *   when a text does not fit a message
 */
export async function editGroup(
  ctx: Ctx,
  place: GroupPlace,
  { by, name, notice, invite }: GroupEdit & { by: GroupActor },
): Promise<void> {
  await changeGroup(ctx, place, { by, action: "edit" }, async (change) => {
    await setColumns(change, [
      ...name === undefined ? [] : [sql`name = ${name}`],
      ...notice === undefined ? [] : [sql`notice = ${notice}`],
      ...invite === undefined ? [] : [sql`invite = ${invite}`],
    ]);
    const { announcer, by } = change;
    if (name !== undefined) await announcer.tell({ kind: "renamed", by, name });
    if (notice !== undefined) await announcer.tell({ kind: "noticed", by, notice });
    if (invite !== undefined) await announcer.tell({ kind: "invite_switched", by, on: invite });
  });
}

/**
 * Lets only owner and managers speak, or everybody again.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`
 */
export async function forbidGroup(
  ctx: Ctx,
  place: GroupPlace,
  { by, on }: { by: GroupActor; on: boolean },
): Promise<void> {
  await changeGroup(ctx, place, { by, action: "forbid" }, async (change) => {
    await setColumns(change, [sql`forbidden = ${on}`]);
    await change.announcer.tell({ kind: "all_muted", by: change.by, on });
  });
}

/**
 * Makes a group a super group for good: from then on it keeps one log. A second time changes
 * nothing. Members hear of it where they have heard of the group until now: a client that does not
 * know of the log yet would not look there.
 *
 * @throws {DomainError} `group_missing`, `group_no_right`
 */
export async function upgradeGroup(
  ctx: Ctx,
  place: GroupPlace,
  { by }: { by: GroupActor },
): Promise<void> {
  await changeGroup(ctx, place, { by, action: "upgrade" }, async (change) => {
    if (change.group.isSuper) return;
    await change.announcer.tell({ kind: "upgraded" });
    await setColumns(change, [sql`is_super = true`]);
  });
}

async function setColumns({ ctx, group }: Change, columns: SQL[]): Promise<void> {
  if (columns.length === 0) return;
  await ctx.db.execute(sql`update groups set ${sql.join(columns, sql`, `)} where id = ${group.id}`);
}
