import { sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import { randomHex32 } from "../../../config/keys.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { MemberRole } from "../../schema/groups.ts";
import { instant, int8, rows } from "../../sql.ts";
import { dayStart } from "../china_time.ts";
import { DomainError } from "../errors.ts";
import { wake } from "../messages/send.ts";
import type { NamedPerson } from "../users/ensure_people.ts";
import { Announcer } from "./announce.ts";
import { namePeople } from "./app_people.ts";
import type { GroupActor } from "./change.ts";
import type { Person } from "./facts.ts";
import { insertMembers } from "./membership.ts";
import { PERSON, PERSON_COLUMNS, readNewcomers } from "./people.ts";
import { can, GROUPS_PER_DAY_COUNT_MAX, nameOf } from "./rules.ts";

/** In the chat app: its creator owns it, and those of the named come in who are their friends. */
export interface NewChatGroup {
  by: { door: "chat"; userId: number };
  /** Empty: it is called after its people. */
  name: string;
  uids: readonly string[];
}

/** By a partner: its people are made where they are new; the house's have to exist. */
export interface NewAppGroup {
  by: Exclude<GroupActor, { door: "chat" | "code" }>;
  tenantId: number;
  /** Owns the group; in it only when listed among the members. */
  masterUid: LongInteger;
  name: string;
  isSuper: boolean;
  members: NamedPerson[];
}

/** Who makes a group, and of whom. */
interface Founding {
  tenantId: number;
  /** Undefined: a partner's server. */
  by: Person | undefined;
  owner: Person;
  /** The owner among them, if they are in it. */
  members: Person[];
  name: string;
  isSuper: boolean;
  /** Who brought the others. */
  inviterId?: number;
}

/**
 * Makes a group of an owner and whoever is named, and tells them.
 *
 * @throws {DomainError} `group_members_invalid` when nobody of the chat app is left,
 *   `group_too_many` a day; `group_no_right` for a client who is not the master, `user_missing`
 */
export async function createGroup(
  ctx: Ctx,
  group: NewChatGroup | NewAppGroup,
): Promise<{ groupId: number; groupNo: string }> {
  const groupNo = randomHex32();
  const made = await withTx(ctx, async (tx) => {
    const founding = "uids" in group ? await foundInChat(tx, group) : await foundByApp(tx, group);
    const { by, owner, name, isSuper, inviterId } = founding;
    const id = await insertGroup(tx, { groupNo, ...founding });
    const people = founding.members.filter(({ userId }) => userId !== inviterId);
    const bringer = by && { userId: by.userId, friendsOnly: false };
    const added = await insertMembers(tx, { id, version: 1 }, { people, inviterId, by: bringer });
    const isIn = new Set([...added, inviterId]);
    const members = founding.members.filter(({ userId }) => isIn.has(userId));
    const announcer = new Announcer(tx, { id, groupNo, name, tenantId: founding.tenantId });
    await announcer.tell({ kind: "created", by, owner, name, isSuper, members });
    return { id, accepted: announcer.accepted };
  });
  for (const message of made.accepted) wake(ctx, message);
  return { groupId: made.id, groupNo };
}

async function foundInChat(ctx: Ctx, { by, name, uids }: NewChatGroup): Promise<Founding> {
  const owner = await lockCreator(ctx, by.userId);
  const friends = await readNewcomers(ctx, {
    uids,
    by: { userId: owner.userId, friendsOnly: true },
  });
  const others = friends.filter(({ userId }) => userId !== owner.userId);
  if (others.length === 0) throw new DomainError("group_members_invalid");
  const members = [owner, ...others];
  return {
    tenantId: HOUSE_APP_ID,
    by: owner,
    owner,
    members,
    name: nameOf(name, members.map((person) => person.name)),
    isSuper: false,
    inviterId: owner.userId,
  };
}

async function foundByApp(
  ctx: Ctx,
  { by, masterUid, members: listed, ...group }: NewAppGroup,
): Promise<Founding> {
  const isServer = by.door === "server";
  const actor = isServer ? "appServer" : by.appUid === masterUid ? "owner" : "member";
  if (!can(actor, "create")) throw new DomainError("group_no_right");
  const { tenantId, name, isSuper } = group;
  // The master first: what the list says of them comes later, and holds.
  const people = [{ appUid: masterUid }, ...listed];
  const named = await namePeople(ctx, { tenantId, people, mayRename: isServer });
  const uids = new Set(listed.map(({ appUid }) => appUid));
  const owner = named.find(({ appUid }) => appUid === masterUid)!;
  return {
    tenantId,
    by: isServer ? undefined : owner,
    owner,
    members: named.filter(({ appUid }) => uids.has(appUid)),
    name,
    isSuper,
  };
}

/** Locks the creator's row, so that two groups made at once are counted one after the other. */
async function lockCreator(ctx: Ctx, userId: number): Promise<Person> {
  const [creator] = await rows(
    ctx,
    sql`select ${PERSON} from users where users.id = ${userId} for no key update`,
    PERSON_COLUMNS,
  );
  const [made] = await rows(
    ctx,
    sql`
      select count(*) from group_members join groups on groups.id = group_members.group_id
      where group_members.user_id = ${userId} and group_members.removed_at is null
        and group_members.inviter_id is null and group_members.joined_at = groups.created_at
        and groups.created_at >= ${instant(dayStart(ctx.now()))}`,
    { count: int8 },
  );
  if (made!.count >= GROUPS_PER_DAY_COUNT_MAX) throw new DomainError("group_too_many");
  return creator!;
}

/** With who brought the others in it, if anybody did. */
async function insertGroup(
  ctx: Ctx,
  { groupNo, tenantId, owner, name, isSuper, inviterId }: Founding & { groupNo: string },
): Promise<number> {
  const now = instant(ctx.now());
  const founder = inviterId ?? null;
  const [group] = await rows(
    ctx,
    sql`
      with made as (
        insert into groups
          (group_no, app_id, owner_id, name, is_super, member_count, created_at, updated_at)
        values (${groupNo}, ${tenantId}, ${owner.userId}, ${name}, ${isSuper},
          case when ${founder}::bigint is null then 0 else 1 end, ${now}, ${now})
        returning id
      ), founded as (
        insert into group_members (group_id, user_id, role, joined_at)
        select id, ${founder}::bigint, ${MemberRole.owner}::smallint, ${now} from made
        where ${founder}::bigint is not null
      )
      select id from made`,
    { id: int8 },
  );
  return group!.id;
}
