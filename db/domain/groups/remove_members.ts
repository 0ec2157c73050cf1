import type { Ctx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import { type Change, changeGroup, type GroupActor, type GroupPlace } from "./change.ts";
import { actorOf } from "./rules.ts";
import { type Gone, type Meant, sayGoodbye, takeOut } from "./take_out.ts";

/**
 * Takes people out of a group; who is not in it is passed over. They take along what they had not
 * read, and are told by a message of their own. When the owner of a group of the house goes, it
 * passes on as in `leaveGroup`; a partner's master stays the master.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`; in the chat app
 *   `self_refused`, `group_members_invalid` when nobody is left or too many are named
 */
export async function removeMembers(
  ctx: Ctx,
  place: GroupPlace,
  { by, people }: { by: GroupActor; people: Meant },
): Promise<void> {
  await changeGroup(ctx, place, { by, action: "remove" }, async (change) => {
    const gone = await takeOut(change, people);
    if (by.door === "chat") refuseInChat(change, gone);
    if (gone.people.length === 0) return;
    await sayGoodbye(change, gone, {
      kind: "members_removed",
      by: change.by,
      people: gone.people,
      isEmpty: gone.stayCount === 0,
    });
  });
}

/** Whom they may not remove, the whole transaction gives back. */
function refuseInChat({ by, may }: Change, { people }: Gone): void {
  if (people.some(({ userId }) => userId === by?.userId)) throw new DomainError("self_refused");
  if (people.length === 0) throw new DomainError("group_members_invalid");
  if (people.some(({ role }) => !may(actorOf(role)))) throw new DomainError("group_no_right");
}
