import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { DomainError } from "../errors.ts";
import { type Change, changeGroup, type LockedGroup } from "../groups/change.ts";
import { findMember, type Person } from "../groups/people.ts";
import { type Action, addingIn, can } from "../groups/rules.ts";
import { mayClient, needOf, type PartnerAction } from "./rules.ts";

/** Who changes a partner's group: its server, which may do anything, or one of its people. */
export interface Caller {
  /** The app whose groups these are; the house's app id for the house. */
  tenantId: number;
  /** Absent: the server. */
  client?: { userId: number; appUid: number } | undefined;
}

export interface PartnerChange extends Change {
  tenantId: number;
  /** Who does it, as far as the change had to look; always known where members alone may do it. */
  actor: Person | undefined;
}

export interface PartnerChangeInput {
  caller: Caller;
  groupId: number;
  action: PartnerAction;
  /** To whom it is done; asked of what everybody does for themselves. */
  appUid?: number | undefined;
}

/**
 * One change of a group of the caller's own tenant: locked, numbered, and told after the commit.
 * Others' groups do not exist. Rights are asked within the transaction that acts on them.
 *
 * @throws {DomainError} `group_missing`, and for a client `group_not_member`, `group_no_right`
 */
export async function changePartnerGroup<T>(
  ctx: Ctx,
  { caller: { tenantId, client }, groupId, action, appUid }: PartnerChangeInput,
  work: (change: PartnerChange) => Promise<T>,
): Promise<T> {
  return await changeGroup(ctx, { tenantId, groupId }, async (change) => {
    if (!client) return await work({ ...change, tenantId, actor: undefined });
    const { userId } = client;
    const asksForMember = needOf(action) === "isMember";
    const actor = asksForMember ? await findMember(change.ctx, { userId, groupId }) : undefined;
    const isAllowed = mayClient(action, {
      isMember: actor !== undefined,
      isMaster: change.group.ownerId === userId,
      isSelf: appUid === client.appUid,
    });
    if (!isAllowed) throw new DomainError(asksForMember ? "group_not_member" : "group_no_right");
    // A token of the house's opens nothing to a member that the chat app keeps from them.
    if (tenantId === HOUSE_APP_ID && actor && !can(actor.role, chatAction(action, change.group))) {
      throw new DomainError("group_no_right");
    }
    return await work({ ...change, tenantId, actor });
  });
}

/** What the chat app calls what its members do. */
function chatAction(action: PartnerAction, group: LockedGroup): Action {
  return action === "add" ? addingIn(group) : "edit";
}
