import { sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { Announcer } from "../groups/announce.ts";
import { namePeople } from "../groups/app_people.ts";
import { insertMembers } from "../groups/membership.ts";
import { createdNews } from "../groups/news.ts";
import { wake } from "../messages/send.ts";
import type { NamedPerson } from "../users/ensure_people.ts";
import type { Caller } from "./change_as.ts";
import { mayClient } from "./rules.ts";

export interface NewPartnerGroup {
  /** Owns the group; in it only when listed among the members. */
  masterUid: number;
  name: string;
  isSuper: boolean;
  members: NamedPerson[];
}

/**
 * Makes a group of the caller's tenant and of whoever is named, and tells them. People a partner
 * names are made where they are new; the house's have to exist.
 *
 * @returns the group's id
 * @throws {DomainError} `group_no_right` for a client who is not the master, `user_missing`
 */
export async function createPartnerGroup(
  ctx: Ctx,
  { caller, masterUid, name, isSuper, members }: NewPartnerGroup & { caller: Caller },
): Promise<number> {
  const standing = {
    isMember: false,
    isMaster: false,
    isSelf: masterUid === caller.client?.appUid,
  };
  if (caller.client && !mayClient("create", standing)) throw new DomainError("group_no_right");
  const made = await withTx(ctx, async (tx) => {
    // The master first: what the list says of them comes later, and holds.
    const named = await namePeople(tx, { caller, people: [{ appUid: masterUid }, ...members] });
    const master = named.find(({ appUid }) => appUid === masterUid)!;
    const listed = new Set(members.map(({ appUid }) => appUid));
    const people = named.filter(({ appUid }) => listed.has(appUid));
    const groupNo = randomHex32();
    const id = await insertGroup(tx, {
      groupNo,
      tenantId: caller.tenantId,
      ownerId: master.userId,
      name,
      isSuper,
    });
    await insertMembers(tx, { id, version: 1 }, { people });
    const announcer = new Announcer(tx, { id, groupNo });
    const of = { groupId: id, at: tx.now() };
    await announcer.announce(createdNews(of, { name, isSuper, master, members: people }));
    return { id, accepted: announcer.accepted };
  });
  for (const message of made.accepted) wake(ctx, message);
  return made.id;
}

async function insertGroup(
  ctx: Ctx,
  { groupNo, tenantId, ownerId, name, isSuper }: {
    groupNo: string;
    tenantId: number;
    ownerId: number;
    name: string;
    isSuper: boolean;
  },
): Promise<number> {
  const now = instant(ctx.now());
  const { rows: [group] } = await ctx.db.execute<{ id: string }>(sql`
    insert into groups (group_no, app_id, owner_id, name, is_super, created_at, updated_at)
    values (${groupNo}, ${tenantId}, ${ownerId}, ${name}, ${isSuper}, ${now}, ${now})
    returning id`);
  return Number(group!.id);
}
