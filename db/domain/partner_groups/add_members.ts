import type { Ctx } from "../../client/ctx.ts";
import { namePeople } from "../groups/app_people.ts";
import { insertMembers } from "../groups/membership.ts";
import { addedNews } from "../groups/news.ts";
import type { NamedPerson } from "../users/ensure_people.ts";
import { type Caller, changePartnerGroup } from "./change_as.ts";

/**
 * Puts people into a group, and tells everybody in one message; who is in already is passed over.
 * However many they are, it is the same few statements. Nobody named: nothing is done.
 *
 * @throws {DomainError} `group_missing`, `group_not_member` for a client, `user_missing`
 */
export async function addPartnerMembers(
  ctx: Ctx,
  { caller, groupId, members, inviter }: {
    caller: Caller;
    groupId: number;
    members: NamedPerson[];
    /** Of a client's call the client. */
    inviter?: NamedPerson | undefined;
  },
): Promise<void> {
  if (members.length === 0) return;
  const by = caller.client ? { appUid: caller.client.appUid } : inviter;
  const place = { caller, groupId, action: "add" } as const;
  await changePartnerGroup(ctx, place, async ({ ctx: tx, group, announcer }) => {
    const named = await namePeople(tx, { caller, people: [...by ? [by] : [], ...members] });
    const invitedBy = by && named.find(({ appUid }) => appUid === by.appUid);
    const listed = new Set(members.map(({ appUid }) => appUid));
    const added = new Set(
      await insertMembers(tx, group, {
        people: named.filter(({ appUid }) => listed.has(appUid)),
        inviterId: invitedBy?.userId,
      }),
    );
    const people = named.filter(({ userId }) => added.has(userId));
    if (people.length === 0) return;
    await announcer.announce(addedNews({ groupId, at: tx.now() }, { inviter: invitedBy, people }));
  });
}
