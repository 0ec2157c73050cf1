import { and, eq, sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client.ts";
import { groups } from "../../schema/groups.ts";
import { DomainError } from "../errors.ts";
import { Announcer } from "../groups/announce.ts";
import type { Accepted } from "../messages/accept.ts";
import { wake } from "../messages/send.ts";
import type { OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import { editedNews } from "../partner_groups/news.ts";
import { groupColumns, managed, type ManagedGroup, type Status } from "./group.ts";

/** What becomes of a group; absent stays as it is. */
export interface ManagedGroupChange {
  groupId: number;
  name?: string | undefined;
  /** A stopped group's people go on talking: it is paid no profits and gets no broadcasts. */
  status?: Status | undefined;
  actor: OpsActor;
}

/**
 * Renames, starts or stops a group. What is so already leaves no trace; a new name is told to the
 * group's members like one its owner gave it.
 *
 * @throws {DomainError} `group_missing`
 */
export async function changeManagedGroup(
  ctx: Ctx,
  { groupId, actor, ...change }: ManagedGroupChange,
): Promise<ManagedGroup> {
  const changed = await withTx(ctx, async (tx) => {
    // Not a stronger lock: see `changeGroup`.
    const [before] = await tx.db.select({ ...groupColumns, groupNo: groups.groupNo }).from(groups)
      .where(and(eq(groups.id, groupId), managed)).for("no key update");
    if (!before) throw new DomainError("group_missing");
    const { groupNo, ...group } = before;
    const name = change.name === group.name ? undefined : change.name;
    const status = change.status === group.status ? undefined : change.status;
    if (name === undefined && status === undefined) return { group, accepted: [] };
    const [after] = await tx.db.update(groups)
      .set({ name, status, version: sql`${groups.version} + 1`, updatedAt: tx.now() })
      .where(eq(groups.id, groupId)).returning(groupColumns);
    const accepted = name === undefined ? [] : await sayName(tx, { id: groupId, groupNo, name });
    await recordAction(tx, {
      ...{ actor, action: "groups.change", target: `group:${groupId}` },
      before: whatOf(group, { name, status }),
      after: { name, status },
    });
    return { group: after!, accepted };
  });
  for (const accepted of changed.accepted) wake(ctx, accepted);
  return changed.group;
}

function whatOf(group: ManagedGroup, { name, status }: { name?: unknown; status?: unknown }) {
  return {
    ...name !== undefined && { name: group.name },
    ...status !== undefined && { status: group.status },
  };
}

async function sayName(
  tx: Ctx,
  { name, ...group }: { id: number; groupNo: string; name: string },
): Promise<Accepted[]> {
  const announcer = new Announcer(tx, group);
  const of = { groupId: group.id, at: tx.now() };
  await announcer.announce(editedNews(of, { actor: undefined, key: "name", text: name }));
  return announcer.accepted;
}
