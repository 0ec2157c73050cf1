import { and, desc, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { blocks } from "../../schema/blocks.ts";
import { behind, type PageInput, userIdOf } from "../paging/keyset.ts";
import { type ListedPerson, personSeenBy, profileOf } from "../users/person.ts";

/** Whom `userId` has blocked, since when, newest first; deleted people too, as the block stands. */
export async function listBlocked(
  ctx: Ctx,
  { userId, cursor, count }: PageInput & { userId: number },
): Promise<ListedPerson[]> {
  const page = ctx.db.select({ at: blocks.createdAt, blockedId: blocks.blockedId }).from(blocks)
    .where(and(
      eq(blocks.userId, userId),
      behind(cursor, { time: blocks.createdAt, id: blocks.blockedId, idOf: userIdOf }),
    ))
    .orderBy(desc(blocks.createdAt), desc(blocks.blockedId)).limit(count).as("page");
  const person = personSeenBy(ctx, userId, page.blockedId);
  return await ctx.db.select({ at: page.at, profile: profileOf(person) })
    .from(page).innerJoinLateral(person, sql`true`)
    .orderBy(desc(page.at), desc(page.blockedId));
}
