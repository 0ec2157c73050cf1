import type { Ctx } from "../../client/ctx.ts";
import { changeGroup, type GroupActor, type GroupPlace } from "./change.ts";
import { copyUnread, endGroup, takeOut } from "./take_out.ts";

/**
 * Ends a group: nobody is in it any more, and everybody who was hears of it, after all they had not
 * read.
 *
 * @throws {DomainError} `group_missing`, also for a disbanded one, `group_no_right` for a client
 *   who is not the master
 */
export async function disbandGroup(
  ctx: Ctx,
  place: GroupPlace,
  { by }: { by: GroupActor },
): Promise<void> {
  await changeGroup(ctx, place, { by, action: "disband" }, async (change) => {
    const { ctx: tx, group, announcer } = change;
    // Of a group that keeps a log it is the log's last line, which is copied with the others.
    await announcer.tell({ kind: "disbanded", by: change.by });
    const { people } = await takeOut(change, "everybody");
    await copyUnread(change, people);
    await endGroup(tx, group);
  });
}
