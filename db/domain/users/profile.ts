import { and, eq, exists, isNull, ne, sql } from "drizzle-orm";
import type { Ctx } from "../../client.ts";
import { blocks } from "../../schema/blocks.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { users, UserStatus } from "../../schema/users.ts";
import { DomainError } from "../errors.ts";

/** What people see of each other. */
export interface Profile {
  uid: string;
  nickname: string;
  avatar: string;
  bio: string;
}

export interface ProfileInput {
  userId: number;
  nickname: string;
  avatar: string;
  /** Absent: stays as it is. */
  bio?: string | undefined;
}

const profileColumns = {
  uid: users.uid,
  nickname: users.nickname,
  avatar: users.avatar,
  bio: users.bio,
};

/**
 * Fills in a new account's profile, once; of two calls at once, one does.
 *
 * @throws {DomainError} `profile_exists`
 */
export async function initProfile(ctx: Ctx, input: ProfileInput): Promise<Profile> {
  const now = ctx.now();
  const { userId, ...profile } = input;
  const [row] = await ctx.db.update(users)
    .set({ ...profile, profileAt: now, updatedAt: now })
    .where(and(eq(users.id, userId), isNull(users.profileAt)))
    .returning(profileColumns);
  if (!row) throw new DomainError("profile_exists");
  return row;
}

/** Replaces nickname and avatar, and the introduction if one is given. */
export async function updateProfile(ctx: Ctx, input: ProfileInput): Promise<Profile> {
  const { userId, ...profile } = input;
  const [row] = await ctx.db.update(users)
    .set({ ...profile, updatedAt: ctx.now() })
    .where(eq(users.id, userId))
    .returning(profileColumns);
  if (!row) throw new DomainError("user_missing");
  return row;
}

/**
 * One person's profile as another (or the same) person sees it.
 *
 * @returns the profile, and whether the viewer has blocked its owner
 * @throws {DomainError} `user_missing` for unknown, deleted and still nameless people, and for
 *   those of partner apps
 */
export async function readProfile(
  ctx: Ctx,
  { uid, viewerId }: { uid: string; viewerId: number },
): Promise<Profile & { blocked: boolean }> {
  const blocked = ctx.db.select({ one: sql`1` }).from(blocks)
    .where(and(eq(blocks.userId, viewerId), eq(blocks.blockedId, users.id)));
  const [row] = await ctx.db
    .select({
      ...profileColumns,
      profileAt: users.profileAt,
      blocked: sql<boolean>`${exists(blocked)}`,
    })
    .from(users)
    .where(
      and(eq(users.uid, uid), eq(users.appId, HOUSE_APP_ID), ne(users.status, UserStatus.deleted)),
    )
    .limit(1);
  if (!row?.profileAt) throw new DomainError("user_missing");
  return row;
}
