import { sql, type SQLWrapper } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { users } from "../../schema/users.ts";
import { type Profile, profileSeenBy } from "./profile.ts";

export interface ListedPerson {
  at: Date;
  profile: Profile;
}

/**
 * The person with id `userId`, as `viewerId` sees them, to be joined laterally to each row of a
 * page. Its limit keeps the planner from joining the page with everybody, and from reading all the
 * viewer's blocks and cards instead of the page's.
 */
export function personSeenBy(ctx: Ctx, viewerId: number, userId: SQLWrapper) {
  const seen = profileSeenBy(viewerId);
  return ctx.db
    .select({
      ...seen,
      allowLive: seen.allowLive.as("allow_live"),
      blocked: seen.blocked.as("blocked"),
      sendCard: seen.sendCard.as("send_card"),
      cardTotal: seen.cardTotal.as("card_total"),
    })
    .from(users)
    .where(sql`users.id = ${userId}`)
    .limit(1)
    .as("person");
}

export function profileOf(person: ReturnType<typeof personSeenBy>) {
  return {
    uid: person.uid,
    nickname: person.nickname,
    avatar: person.avatar,
    bio: person.bio,
    cardTotal: person.cardTotal,
    allowLive: person.allowLive,
    blocked: person.blocked,
    sendCard: person.sendCard,
  };
}
