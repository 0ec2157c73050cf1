import { and, desc, eq, inArray, notInArray, or, type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { type Presence, readOnline } from "../../redis/presence.ts";
import { blocks } from "../../schema/blocks.ts";
import { chatAccounts, friends, peerSettings } from "../../schema/chat.ts";
import { devices, sessions } from "../../schema/sessions.ts";
import { BUILT_IN_UIDS, users } from "../../schema/users.ts";
import { listOf } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { FRIENDS_COUNT_MAX } from "../friends/rules.ts";
import { soughtMobiles } from "../users/mobile_text.ts";
import { chatVisible, visibleUsers } from "../users/who_is_there.ts";
import {
  BLACKLIST_COUNT_MAX,
  CUSTOMER_SERVICE,
  CUSTOMER_SERVICES_COUNT_MAX,
  DEVICES_COUNT_MAX,
  isOwnName,
} from "./rules.ts";

export interface FoundUser {
  uid: string;
  name: string;
}

/**
 * Whoever has exactly this number, short number or login name, and lets themselves be found by it.
 * A number without a country is one of China, or of the searcher's own country; how it is spaced
 * does not count.
 */
export async function searchUser(
  ctx: Ctx,
  { keyword, searcherId }: { keyword: string; searcherId: number },
): Promise<FoundUser | undefined> {
  const { whole, national } = soughtMobiles(keyword);
  const [found] = await ctx.db.select({ uid: users.uid, name: users.nickname }).from(users)
    .where(and(
      visibleUsers,
      sql`users.id in (
        select found.id from users as found
          left join chat_accounts on chat_accounts.user_id = found.id
          where found.app_id = 0 and (
              found.country_code = ${whole?.countryCode ?? ""} and found.mobile = ${
        whole?.number ?? ""
      }
              or found.mobile = ${national} and found.country_code in
                ('86', (select me.country_code from users as me where me.id = ${searcherId})))
            and coalesce(chat_accounts.search_by_phone, true)
        union all
        select user_id from chat_accounts where short_no = ${keyword} and search_by_short
        union all
        select user_id from chat_accounts where username = ${keyword}
          and (search_by_phone or username !~ '^00'))`,
    ))
    .limit(1);
  return found;
}

export type UserDetail = Awaited<ReturnType<typeof readDetailRows>>[number] & {
  isSelf: boolean;
  presence: Presence | undefined;
};

/** @throws {DomainError} `user_missing` */
export async function readUserDetail(
  ctx: Ctx,
  { uid, viewerId }: { uid: string; viewerId: number },
): Promise<UserDetail> {
  // One's own name may still be missing; of other people only the visible are there.
  const whose = and(eq(users.uid, uid), or(eq(users.id, viewerId), chatVisible));
  const found = await readDetailRows(ctx, { whose, viewerId, countMax: 1 });
  if (found.length === 0) throw new DomainError("user_missing");
  return (await withPresence(ctx, found, viewerId))[0]!;
}

/** The same of several people by their ids, whoever they are by now; in no order. */
export async function readUserDetails(
  ctx: Ctx,
  { userIds, viewerId }: { userIds: number[]; viewerId: number },
): Promise<UserDetail[]> {
  if (userIds.length === 0) return [];
  // One text, however many they are.
  const whose = sql`${users.id} = any(${listOf(userIds, "bigint")})`;
  const found = await readDetailRows(ctx, { whose, viewerId, countMax: userIds.length });
  return await withPresence(ctx, found, viewerId);
}

/** Whether somebody is there is for their friends to know. */
async function withPresence(
  ctx: Ctx,
  found: Awaited<ReturnType<typeof readDetailRows>>,
  viewerId: number,
): Promise<UserDetail[]> {
  const shown = found.filter(({ userId, isFriend }) => userId === viewerId || isFriend);
  const presences = await readOnline(ctx, shown.map(({ userId }) => userId));
  return found.map((row) => ({
    ...row,
    isSelf: row.userId === viewerId,
    presence: presences.get(row.userId),
  }));
}

async function readDetailRows(
  ctx: Ctx,
  { whose, viewerId, countMax }: { whose: SQL | undefined; viewerId: number; countMax: number },
) {
  return await ctx.db
    .select({
      userId: users.id,
      uid: users.uid,
      name: users.nickname,
      avatar: users.avatar,
      countryCode: users.countryCode,
      mobile: users.mobile,
      account: chatAccounts,
      setting: peerSettings,
      isFriend: sql<boolean>`exists (select 1 from friends where friends.user_id = ${viewerId}
        and friends.friend_id = users.id and not friends.is_deleted)`,
      deletedMe: sql<boolean>`exists (select 1 from friends where friends.user_id = users.id
        and friends.friend_id = ${viewerId} and friends.is_deleted)`,
      blocked: sql<boolean>`exists (select 1 from blocks
        where blocks.user_id = ${viewerId} and blocks.blocked_id = users.id)`,
      blockedMe: sql<boolean>`exists (select 1 from blocks
        where blocks.user_id = users.id and blocks.blocked_id = ${viewerId})`,
    })
    .from(users)
    .leftJoin(chatAccounts, eq(chatAccounts.userId, users.id))
    .leftJoin(
      peerSettings,
      and(eq(peerSettings.userId, viewerId), eq(peerSettings.peerId, users.id)),
    )
    .where(whose).limit(countMax);
}

/** What a person has logged in on, or that device alone, the newest login first. */
export async function listDevices(
  ctx: Ctx,
  { userId, tokenHash, deviceId }: { userId: number; tokenHash: string; deviceId?: string },
) {
  return await ctx.db
    .select({
      id: devices.id,
      deviceId: devices.deviceId,
      name: devices.name,
      model: devices.model,
      lastLoginAt: devices.lastLoginAt,
      isThis: sql<boolean>`${devices.id} is not distinct from
        (select device_id from ${sessions} where token_hash = ${tokenHash})`,
    })
    .from(devices)
    .where(and(
      eq(devices.userId, userId),
      deviceId === undefined ? undefined : eq(devices.deviceId, deviceId),
    ))
    .orderBy(desc(devices.lastLoginAt), desc(devices.id)).limit(DEVICES_COUNT_MAX);
}

export async function listCustomerServices(ctx: Ctx): Promise<FoundUser[]> {
  return await ctx.db.select({ uid: users.uid, name: users.nickname }).from(chatAccounts)
    .innerJoin(users, eq(users.id, chatAccounts.userId))
    .where(and(eq(chatAccounts.category, CUSTOMER_SERVICE), visibleUsers))
    .orderBy(users.id).limit(CUSTOMER_SERVICES_COUNT_MAX);
}

/** Whom a person has blocked, newest first. A login name that is a phone number stays unsaid. */
export async function listBlacklist(ctx: Ctx, userId: number) {
  const rows = await ctx.db
    .select({ uid: users.uid, name: users.nickname, username: chatAccounts.username })
    .from(blocks)
    .innerJoin(users, eq(users.id, blocks.blockedId))
    .leftJoin(chatAccounts, eq(chatAccounts.userId, users.id))
    .where(eq(blocks.userId, userId))
    .orderBy(desc(blocks.createdAt), desc(blocks.blockedId)).limit(BLACKLIST_COUNT_MAX);
  return rows.map((row) => ({
    ...row,
    username: row.username !== null && isOwnName(row.username) ? row.username : "",
  }));
}

export async function listFriendsOnline(ctx: Ctx, userId: number) {
  const rows = await ctx.db.select({ userId: users.id, uid: users.uid }).from(users)
    .where(and(
      inArray(
        users.id,
        ctx.db.select({ id: friends.friendId }).from(friends)
          .where(and(eq(friends.userId, userId), eq(friends.isDeleted, false))),
      ),
      // Never there, so not worth asking about.
      notInArray(users.uid, [...BUILT_IN_UIDS]),
    ))
    .orderBy(users.id).limit(FRIENDS_COUNT_MAX);
  const presences = await readOnline(ctx, rows.map((row) => row.userId));
  return rows.flatMap((row) => {
    const presence = presences.get(row.userId);
    const isKnown = presence?.online || presence?.lastOfflineAt !== undefined;
    return presence && isKnown ? [{ uid: row.uid, presence }] : [];
  });
}
