import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import {
  bool,
  instant,
  maybe,
  milliseconds,
  patternOf,
  PLANNED_WITH_VALUES,
  rows,
  text,
  time,
} from "../../sql.ts";

/** A friend as the chat app's web client lists them; also one who is none any more. */
export interface ListedFriend {
  uid: string;
  name: string;
  remark: string;
  isDeleted: boolean;
  /** The person has blacklisted them. */
  isBlocked: boolean;
  mute: boolean;
  top: boolean;
  shortNo: string;
  category: string;
  createdAt: Date;
  /** Strictly rising over one person's friends: by it the list goes on. */
  updatedAt: Date;
}

/**
 * A person's friends in the order of their changes: those changed after a time, the ended ones
 * among them, or without a time all there are now.
 * @param keyword part of a name or of what the person calls them; absent: everybody
 */
export async function listFriends(
  ctx: Ctx,
  { userId, after, keyword, limit }: {
    userId: number;
    after: Date | undefined;
    keyword: string | undefined;
    limit: number;
  },
): Promise<ListedFriend[]> {
  const since = after === undefined
    ? sql`not friends.is_deleted`
    : sql`friends.updated_at > ${instant(after)}`;
  const pattern = keyword === undefined ? undefined : patternOf(keyword);
  const named = pattern === undefined
    ? sql`true`
    : sql`(users.nickname ilike ${pattern} or own.remark ilike ${pattern})`;
  const found = await rows(
    ctx,
    sql`
      select users.uid, users.nickname as name, coalesce(own.remark, '') as remark,
        friends.is_deleted, exists (select 1 from blocks where blocks.user_id = friends.user_id
          and blocks.blocked_id = friends.friend_id) as is_blocked,
        coalesce(own.mute, false) as mute, coalesce(own.top, false) as top,
        chat_accounts.short_no, chat_accounts.category,
        ${milliseconds(sql`friends.created_at`)} as created_at,
        ${milliseconds(sql`friends.updated_at`)} as updated_at
      from friends join users on users.id = friends.friend_id
      left join chat_accounts on chat_accounts.user_id = friends.friend_id
      left join peer_settings as own
        on own.user_id = friends.user_id and own.peer_id = friends.friend_id
      where friends.user_id = ${userId} and ${since} and ${named}
      order by friends.updated_at, friends.id limit ${limit} ${PLANNED_WITH_VALUES}`,
    {
      uid: text,
      name: text,
      remark: text,
      isDeleted: bool,
      isBlocked: bool,
      mute: bool,
      top: bool,
      shortNo: maybe(text),
      category: maybe(text),
      createdAt: time,
      updatedAt: time,
    },
  );
  return found.map(({ shortNo = "", category = "", ...friend }) => ({
    ...friend,
    // Of whoever is no friend any more it is nobody's business.
    shortNo: friend.isDeleted ? "" : shortNo,
    category,
  }));
}
