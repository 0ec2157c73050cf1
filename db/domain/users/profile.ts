import { and, eq, isNull, type Placeholder, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { users, UserStatus } from "../../schema/users.ts";
import { bool, built, instant, int4, prepared, rows, text } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { visibleUsers } from "./who_is_there.ts";

export interface Profile {
  uid: string;
  nickname: string;
  avatar: string;
  bio: string;
  blocked: boolean;
  /** The viewer has given this person a card, and it was kept. */
  sendCard: boolean;
  /** Cards this person has received and kept. */
  cardTotal: number;
  /** This person may open rooms: the account is active, not in review. */
  allowLive: boolean;
}

const ownColumns = {
  uid: users.uid,
  nickname: users.nickname,
  avatar: users.avatar,
  bio: users.bio,
  cardTotal: users.cardCount,
  allowLive: sql<boolean>`users.status = ${sql.raw(String(UserStatus.active))}`,
};

/**
 * Columns of a {@link Profile} for any query in which the table `users` stands under its own name.
 * They are written out because a query over one table drops table names inside subqueries.
 */
export function profileSeenBy(viewerId: number | Placeholder) {
  return {
    ...ownColumns,
    blocked: sql<boolean>`exists (select 1 from blocks
      where blocks.user_id = ${viewerId} and blocks.blocked_id = users.id)`,
    sendCard: sql<boolean>`exists (select 1 from cards where cards.from_user_id = ${viewerId}
      and cards.to_user_id = users.id and (cards.deleted_at is null or cards.is_refused))`,
    // Whose card was refused sees it counted, as any other's is.
    cardTotal: sql<number>`users.card_count + (select count(*) from cards
      where cards.from_user_id = ${viewerId} and cards.to_user_id = users.id
        and cards.is_refused)::integer`,
  };
}

/** Nobody blocks themselves, or sends themselves a card. */
const ofOneself = (own: Omit<Profile, "blocked" | "sendCard">): Profile => ({
  ...own,
  blocked: false,
  sendCard: false,
});

export interface ProfileInput {
  userId: number;
  nickname: string;
  avatar: string;
  /** Absent: stays as it is. */
  bio?: string | undefined;
}

/** @throws {DomainError} `profile_exists`, also for the later of two calls at once */
export async function initProfile(ctx: Ctx, input: ProfileInput): Promise<Profile> {
  const now = ctx.now();
  const { userId, ...profile } = input;
  const [row] = await ctx.db.update(users)
    .set({ ...profile, profileAt: now, updatedAt: now })
    .where(and(eq(users.id, userId), isNull(users.profileAt)))
    .returning(ownColumns);
  if (!row) throw new DomainError("profile_exists");
  return ofOneself(row);
}

const updating = built<{
  userId: number;
  nickname: string;
  avatar: string;
  bio: string | null;
  at: string;
}>(({ userId, nickname, avatar, bio, at }) =>
  sql`update users set nickname = ${nickname}, avatar = ${avatar}, bio = coalesce(${bio}, bio),
      updated_at = ${instant(at)}
    where id = ${userId}
    returning uid, nickname, avatar, bio, card_count as card_total, ${ownColumns.allowLive} as allow_live`
);

export async function updateProfile(ctx: Ctx, { bio, ...input }: ProfileInput): Promise<Profile> {
  const statement = updating({ ...input, bio: bio ?? null, at: ctx.now().toISOString() });
  const [row] = await rows(ctx, statement, {
    uid: text,
    nickname: text,
    avatar: text,
    bio: text,
    cardTotal: int4,
    allowLive: bool,
  });
  if (!row) throw new DomainError("user_missing");
  return ofOneself(row);
}

/**
 * @throws {DomainError} `user_missing` for unknown, deleted and still nameless people, and for
 *   those of partner apps
 */
export async function readProfile(
  ctx: Ctx,
  { uid, viewerId }: { uid: string; viewerId: number },
): Promise<Profile> {
  const [row] = await profileByUid(ctx.db).execute({ uid, viewerId });
  if (!row) throw new DomainError("user_missing");
  return row;
}

const profileByUid = prepared((db) =>
  db.select(profileSeenBy(sql.placeholder("viewerId"))).from(users)
    .where(and(eq(users.uid, sql.placeholder("uid")), visibleUsers)).limit(1).prepare("profile")
);
