import { and, desc, eq, isNull, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { cards } from "../../schema/cards.ts";
import { behind, type PageInput, userIdOf } from "../paging/keyset.ts";
import { type ListedPerson, personSeenBy, profileOf } from "../users/person.ts";

export async function listCards(
  ctx: Ctx,
  { userId, cursor, count }: PageInput & { userId: number },
): Promise<ListedPerson[]> {
  const page = ctx.db.select({ at: cards.createdAt, fromUserId: cards.fromUserId }).from(cards)
    .where(and(
      eq(cards.toUserId, userId),
      isNull(cards.deletedAt),
      behind(cursor, { time: cards.createdAt, id: cards.fromUserId, idOf: userIdOf }),
    ))
    .orderBy(desc(cards.createdAt), desc(cards.fromUserId)).limit(count).as("page");
  const person = personSeenBy(ctx, userId, page.fromUserId);
  return await ctx.db.select({ at: page.at, profile: profileOf(person) })
    .from(page).innerJoinLateral(person, sql`true`)
    .orderBy(desc(page.at), desc(page.fromUserId));
}
