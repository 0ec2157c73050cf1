import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { Ctx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import { changeGroup, type GroupActor, type GroupPlace } from "./change.ts";
import { type Meant, sayGoodbye, takeOut } from "./take_out.ts";

export interface Leaving {
  by: GroupActor;
  /** Whose number in the app it is that leaves; absent: who asks. */
  appUid?: LongInteger | undefined;
}

/**
 * Somebody leaves, and takes along what they had not read. A group of the house always has one
 * owner: when the owner leaves, the manager who has been there longest is the next one, or else the
 * member; the last to leave takes the group along. A partner's master may go, and stays the master.
 *
 * @throws {DomainError} `group_missing`; in the chat app `group_not_member`, elsewhere who is not in
 *   it is no error; `group_no_right` for a client who means somebody else
 */
export async function leaveGroup(
  ctx: Ctx,
  place: GroupPlace,
  { by, appUid }: Leaving,
): Promise<void> {
  const isSelf = appUid === undefined || (by.door === "client" && by.appUid === appUid);
  await changeGroup(
    ctx,
    place,
    { by, action: "leave", target: isSelf ? "self" : "member" },
    async (change) => {
      const gone = await takeOut(change, whoLeaves({ by, appUid }));
      const [person] = gone.people;
      if (person) {
        const isEmpty = gone.stayCount === 0;
        await sayGoodbye(change, gone, { kind: "left", person, isEmpty });
      } else if (by.door === "chat") throw new DomainError("group_not_member");
    },
  );
}

function whoLeaves({ by, appUid }: Leaving): Meant {
  if (appUid !== undefined) return { appUids: [appUid] };
  return by.door === "server" ? { appUids: [] } : { userId: by.userId };
}
