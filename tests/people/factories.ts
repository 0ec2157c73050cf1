import { sql } from "drizzle-orm";
import { randomHex32 } from "../../config/keys.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { groupMembers, groups, MemberRole } from "../../db/schema/groups.ts";
import { users } from "../../db/schema/users.ts";

/** A person of the house with a profile, straight in the database. */
export async function makeUser(ctx: Ctx, nickname = "Toby") {
  const now = ctx.now();
  const [user] = await ctx.db.insert(users).values({
    id: sql`nextval('users_id_seq')`,
    appUid: sql`currval('users_id_seq')`,
    uid: randomHex32(),
    nickname,
    profileAt: now,
    createdAt: now,
    updatedAt: now,
  }).returning();
  return user!;
}

export async function makeUsers(ctx: Ctx, count: number) {
  const made: Awaited<ReturnType<typeof makeUser>>[] = [];
  for (let at = 0; at < count; at++) made.push(await makeUser(ctx, `Person ${at}`));
  return made;
}

/** A group of these people, the first its owner. */
export async function makeGroup(
  ctx: Ctx,
  people: { id: number }[],
  over: Partial<typeof groups.$inferInsert> = {},
) {
  const now = ctx.now();
  const [group] = await ctx.db.insert(groups).values({
    groupNo: randomHex32(),
    ownerId: people[0]!.id,
    name: "Group",
    memberCount: people.length,
    createdAt: now,
    updatedAt: now,
    ...over,
  }).returning();
  await ctx.db.insert(groupMembers).values(people.map(({ id }, at) => ({
    groupId: group!.id,
    userId: id,
    role: at === 0 ? MemberRole.owner : MemberRole.member,
    joinedAt: now,
  })));
  return group!;
}
