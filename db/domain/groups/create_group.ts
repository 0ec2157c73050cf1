import { sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { MemberRole } from "../../schema/groups.ts";
import { instant } from "../../sql.ts";
import { dayStart } from "../china_time.ts";
import { DomainError } from "../errors.ts";
import { ContentType } from "../messages/rules.ts";
import { wake } from "../messages/send.ts";
import { literal, placeholders } from "../messages/template.ts";
import { Announcer } from "./announce.ts";
import { insertMembers } from "./membership.ts";
import { type Person, readNewcomers } from "./people.ts";
import { GROUPS_PER_DAY_COUNT_MAX, nameOf } from "./rules.ts";

/**
 * Makes a group of its creator, who owns it, and those of the named who are the creator's friends.
 *
 * @returns the group's number
 * @throws {DomainError} `group_members_invalid` when nobody is left, `group_too_many` a day
 */
export async function createGroup(
  ctx: Ctx,
  { creatorId, name, uids }: { creatorId: number; name: string; uids: readonly string[] },
): Promise<string> {
  const groupNo = randomHex32();
  const accepted = await withTx(ctx, async (tx) => {
    const creator = await lockCreator(tx, creatorId);
    const friends = await readNewcomers(tx, { uids, friendsOf: creatorId });
    const others = friends.filter(({ userId }) => userId !== creatorId);
    if (others.length === 0) throw new DomainError("group_members_invalid");
    const named = nameOf(name, [creator, ...others].map((person) => person.name));
    const id = await insertGroup(tx, { groupNo, creatorId, name: named });
    await insertMembers(tx, { id, version: 1 }, { people: others, inviterId: creatorId });
    const announcer = new Announcer(tx, { id, groupNo });
    await announcer.announce({
      type: ContentType.groupCreated,
      from: creator,
      content: `${literal(creator.name)}邀请${placeholders(others.length)}加入群聊`,
      extra: others,
      more: { creator: creator.uid, creator_name: creator.name, version: 1 },
    });
    return announcer.accepted;
  });
  for (const message of accepted) wake(ctx, message);
  return groupNo;
}

/** Locks the creator's row, so that two groups made at once are counted one after the other. */
async function lockCreator(ctx: Ctx, userId: number): Promise<Person> {
  const { rows: [creator] } = await ctx.db.execute<{ uid: string; name: string }>(sql`
    select uid, nickname as name from users where id = ${userId} for no key update`);
  const { rows: [made] } = await ctx.db.execute<{ count: string }>(sql`
    select count(*) from group_members join groups on groups.id = group_members.group_id
    where group_members.user_id = ${userId} and group_members.removed_at is null
      and group_members.inviter_id is null and group_members.joined_at = groups.created_at
      and groups.created_at >= ${instant(dayStart(ctx.now()))}`);
  if (Number(made!.count) >= GROUPS_PER_DAY_COUNT_MAX) throw new DomainError("group_too_many");
  return { userId, uid: creator!.uid, name: creator!.name };
}

async function insertGroup(
  ctx: Ctx,
  { groupNo, creatorId, name }: { groupNo: string; creatorId: number; name: string },
): Promise<number> {
  const now = instant(ctx.now());
  const { rows: [group] } = await ctx.db.execute<{ group_id: string }>(sql`
    with made as (
      insert into groups (group_no, owner_id, name, member_count, created_at, updated_at)
      values (${groupNo}, ${creatorId}, ${name}, 1, ${now}, ${now}) returning id
    )
    insert into group_members (group_id, user_id, role, joined_at)
    select id, ${creatorId}::bigint, ${MemberRole.owner}::smallint, ${now} from made
    returning group_id`);
  return Number(group!.group_id);
}
