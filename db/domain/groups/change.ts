import { type SQL, sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { bool, instant, int8, longJson, maybe, rows, text, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { keepsLog } from "../messages/channel.ts";
import { wake } from "../messages/send.ts";
import { Announcer } from "./announce.ts";
import type { Person } from "./facts.ts";
import { role } from "./people.ts";
import {
  type Action,
  actionBy,
  type Actor,
  actorOf,
  can,
  canAtAll,
  isForMembers,
  type Target,
} from "./rules.ts";

/** A group whose row this transaction has locked. */
export interface LockedGroup {
  id: number;
  groupNo: string;
  tenantId: number;
  name: string;
  invite: boolean;
  isSuper: boolean;
  /** Undefined: nobody's. */
  ownerId: number | undefined;
  /** Already the one this change has; every member row it changes gets it. */
  version: number;
  /** What is said lies in a log which members copy; see `keepsLog`. */
  keepsLog: boolean;
}

export interface Change {
  /** The transaction. */
  ctx: Ctx;
  group: LockedGroup;
  /** What the change says to people, sent when it is committed. */
  announcer: Announcer;
  /** Who does it; undefined: a partner's server. */
  by: Person | undefined;
  /** Whether they may do it to such a one. */
  may: (target: Target) => boolean;
}

/** Who changes a group, and by which door; see `Door`. */
export type GroupActor =
  | { door: "chat" | "code"; userId: number }
  | { door: "client"; userId: number; appUid: LongInteger }
  | { door: "server" };

/** A group by the number the chat app knows, or by its id within an app. */
export type GroupPlace = { groupNo: string } | { tenantId: number; groupId: number };

export interface Deed {
  by: GroupActor;
  action: Action;
  /** To whom, where that is known before people are read; otherwise `work` asks `may`. */
  target?: Target | undefined;
}

const ROW_COLUMNS = {
  id: int8,
  groupNo: text,
  tenantId: int8,
  name: text,
  invite: bool,
  isSuper: bool,
  ownerId: maybe(int8),
  version: int8,
  keepsLog: bool,
  actor: maybe(typed<Person>()),
};

/**
 * One change of a group: locks its row, raises its version once, asks whether it may be done, does
 * `work`, and wakes whoever is told of it after the commit. The lock leaves keys alone: a message
 * being accepted holds inboxes and then refers to the group, so a stronger one would wait for it in
 * the wrong order.
 *
 * @throws {DomainError} `group_missing`, also for a disbanded one and another tenant's,
 *   `group_not_member`, `group_no_right`
 */
export async function changeGroup<T>(
  ctx: Ctx,
  place: GroupPlace,
  deed: Deed,
  work: (change: Change) => Promise<T>,
): Promise<T> {
  const told = await withTx(ctx, async (tx) => {
    const { actor: by, ...group } = await lockGroup(tx, place, deed.by);
    const may = await askRights(tx, group, deed);
    const announcer = new Announcer(tx, group);
    const change = { ctx: tx, group, announcer, by, may };
    return { result: await work(change), accepted: announcer.accepted };
  });
  for (const accepted of told.accepted) wake(ctx, accepted);
  return told.result;
}

async function lockGroup(ctx: Ctx, place: GroupPlace, by: GroupActor) {
  const actorId = "userId" in by ? by.userId : null;
  const [row] = await rows(
    ctx,
    sql`
      update groups set version = version + 1, updated_at = ${instant(ctx.now())}
      where ${whereIs(place)} and disbanded_at is null
      returning id, group_no, app_id as tenant_id, name, invite, is_super, owner_id, version,
        ${keepsLog} as keeps_log,
        (select json_build_object('userId', users.id, 'uid', users.uid, 'appUid', ${
      longJson(sql`users.app_uid`)
    },
          'name', users.nickname) from users where users.id = ${actorId}::bigint) as actor`,
    ROW_COLUMNS,
  );
  if (!row) throw new DomainError("group_missing");
  return row;
}

function whereIs(place: GroupPlace): SQL {
  return "groupNo" in place
    ? sql`group_no = ${place.groupNo} and app_id = ${HOUSE_APP_ID}`
    : sql`id = ${place.groupId} and app_id = ${place.tenantId}`;
}

/** Asked behind the lock: nobody's place in the group changes any more. */
async function askRights(
  ctx: Ctx,
  group: LockedGroup,
  { by, action: wanted, target }: Deed,
): Promise<(target: Target) => boolean> {
  const isHouse = group.tenantId === HOUSE_APP_ID;
  const action = actionBy(by.door, wanted, { isHouse, invite: group.invite });
  const actor = await actorIn(ctx, group, { by, action: wanted });
  if (!actor) throw new DomainError(by.door === "code" ? "group_no_right" : "group_not_member");
  const isAllowed = target === undefined ? canAtAll(actor, action) : can(actor, action, target);
  if (!isAllowed) throw new DomainError("group_no_right");
  return (target) => can(actor, action, target);
}

/** @returns undefined for who would have to be in the group, and is not */
async function actorIn(
  ctx: Ctx,
  { id, ownerId }: LockedGroup,
  { by, action }: Pick<Deed, "by" | "action">,
): Promise<Actor | undefined> {
  if (by.door === "server") return "appServer";
  if (!isForMembers(by.door, action)) return ownerId === by.userId ? "owner" : "member";
  const [member] = await rows(
    ctx,
    sql`
      select role from group_members
      where group_id = ${id} and user_id = ${by.userId} and removed_at is null`,
    { role },
  );
  return member && actorOf(member.role);
}
