import { type SQL, sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { Accepted } from "../messages/accept.ts";
import { wake } from "../messages/send.ts";
import { Announcer } from "./announce.ts";
import { findMember, type Member } from "./people.ts";
import { type Action, can } from "./rules.ts";

/** A group whose row this transaction has locked. */
export interface LockedGroup {
  id: number;
  groupNo: string;
  name: string;
  invite: boolean;
  isSuper: boolean;
  /** Undefined: nobody's. */
  ownerId: number | undefined;
  /** Already the one this change has; every member row it changes gets it. */
  version: number;
}

export interface Change {
  /** The transaction. */
  ctx: Ctx;
  group: LockedGroup;
  /** What the change says to people, sent when it is committed. */
  announcer: Announcer;
}

export interface MemberChange extends Change {
  actor: Member;
}

/** A group by the number the chat app knows, or by its id within an app. */
export type GroupPlace = { groupNo: string } | { tenantId: number; groupId: number };

interface GroupRow extends Record<string, unknown> {
  id: string;
  group_no: string;
  name: string;
  invite: boolean;
  is_super: boolean;
  owner_id: string | null;
  version: string;
}

/**
 * One change of a group: locks its row, raises its version once, does `work`, and wakes whoever is
 * told of it after the commit. The lock leaves keys alone: a message being accepted holds inboxes
 * and then refers to the group, so a stronger one would wait for it in the wrong order.
 *
 * @throws {DomainError} `group_missing`, also for a disbanded one
 */
export async function changeGroup<T>(
  ctx: Ctx,
  place: GroupPlace,
  work: (change: Change) => Promise<T>,
): Promise<T> {
  const told: { result: T; accepted: Accepted[] } = await withTx(ctx, async (tx) => {
    const { rows: [row] } = await tx.db.execute<GroupRow>(sql`
      update groups set version = version + 1, updated_at = ${instant(ctx.now())}
      where ${whereIs(place)} and disbanded_at is null
      returning id, group_no, name, invite, is_super, owner_id, version`);
    if (!row) throw new DomainError("group_missing");
    const group = groupOf(row);
    const announcer = new Announcer(tx, group);
    return { result: await work({ ctx: tx, group, announcer }), accepted: announcer.accepted };
  });
  for (const accepted of told.accepted) wake(ctx, accepted);
  return told.result;
}

function whereIs(place: GroupPlace): SQL {
  return "groupNo" in place
    ? sql`group_no = ${place.groupNo} and app_id = ${HOUSE_APP_ID}`
    : sql`id = ${place.groupId} and app_id = ${place.tenantId}`;
}

function groupOf(row: GroupRow): LockedGroup {
  return {
    id: Number(row.id),
    groupNo: row.group_no,
    name: row.name,
    invite: row.invite,
    isSuper: row.is_super,
    ownerId: row.owner_id === null ? undefined : Number(row.owner_id),
    version: Number(row.version),
  };
}

/**
 * A change by somebody in the group, whose role may do `action` (asked by `work` itself where that
 * depends on whom it is done to).
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`
 */
export async function changeGroupAs<T>(
  ctx: Ctx,
  { groupNo, actorId, action }: { groupNo: string; actorId: number; action?: Action },
  work: (change: MemberChange) => Promise<T>,
): Promise<T> {
  return await changeGroup(ctx, { groupNo }, async (change) => {
    const actor = await findMember(change.ctx, { userId: actorId, groupId: change.group.id });
    if (!actor) throw new DomainError("group_not_member");
    if (action && !can(actor.role, action)) throw new DomainError("group_no_right");
    return await work({ ...change, actor });
  });
}
