import { type Ctx } from "../../client/ctx.ts";
import type { NamedPerson } from "../users/ensure_people.ts";
import { namePeople } from "./app_people.ts";
import { type Change, changeGroup, type GroupActor, type GroupPlace } from "./change.ts";
import type { Person } from "./facts.ts";
import { insertMembers } from "./membership.ts";
import { type Bringer, readNewcomers } from "./people.ts";

/** Who is to come in: people of the chat app, or of the partner's own, and who invited those. */
export type Newcomers =
  | { uids: readonly string[] }
  | {
    members: NamedPerson[];
    /** Of a client's call it is the client. */
    inviter?: NamedPerson | undefined;
  };

/**
 * Puts people into a group, and tells everybody; who is in already, whose account is gone, and who
 * has blacklisted the person who adds them or is blacklisted by them, is passed over. However many
 * they are, it is the same few statements. Of a partner's people nobody may be named: then nothing
 * is done.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right` for a plain member
 *   while invitations are confirmed; `group_members_invalid` when nobody of the chat app is left,
 *   `user_missing` when the house has nobody of a number
 */
export async function addMembers(
  ctx: Ctx,
  place: GroupPlace,
  { by, people }: { by: GroupActor; people: Newcomers },
): Promise<void> {
  if ("members" in people && people.members.length === 0) return;
  await changeGroup(ctx, place, { by, action: "add" }, async (change) => {
    await letIn(
      change,
      "uids" in people
        ? await newInChat(change, people.uids)
        : await newInApp(change, { by, ...people }),
    );
  });
}

interface LetIn {
  inviter: Person | undefined;
  people: Person[];
  /** Whose right to bring them has not been asked yet. */
  by?: Bringer | undefined;
}

async function newInChat(
  { ctx, group, by: inviter }: Change,
  uids: readonly string[],
): Promise<LetIn> {
  const by = { userId: inviter!.userId, friendsOnly: ctx.config.groupAddFriendsOnly };
  return { inviter, people: await readNewcomers(ctx, { uids, groupId: group.id, by }) };
}

async function newInApp(
  change: Change,
  { by, members, inviter }: { by: GroupActor; members: NamedPerson[]; inviter?: NamedPerson },
): Promise<LetIn> {
  const { ctx, group: { tenantId } } = change;
  const isServer = by.door === "server";
  const people = isServer && inviter ? [inviter, ...members] : members;
  const named = await namePeople(ctx, { tenantId, people, mayRename: isServer });
  const listed = new Set(members.map(({ appUid }) => appUid));
  return {
    inviter: isServer ? named.find(({ appUid }) => appUid === inviter?.appUid) : change.by,
    people: named.filter(({ appUid }) => listed.has(appUid)),
    by: isServer ? undefined : { userId: change.by!.userId, friendsOnly: false },
  };
}

/** Puts people into a locked group in the inviter's name, and says so of those who were not in it. */
export async function letIn(
  { ctx, group, announcer }: Change,
  { inviter, people, by }: LetIn,
): Promise<void> {
  const added = new Set(
    await insertMembers(ctx, group, { people, inviterId: inviter?.userId, by }),
  );
  const newcomers = people.filter(({ userId }) => added.has(userId));
  if (newcomers.length === 0) return;
  await announcer.tell({ kind: "members_added", inviter, people: newcomers });
}
