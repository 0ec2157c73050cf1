import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { bool, instant, int4, int8, milliseconds, rows, text } from "../../sql.ts";

export interface Notification {
  /** Rises with time; the list's cursor. */
  id: number;
  origin: number;
  /** Empty for what nobody in particular caused. */
  originUid: string;
  title: string;
  content: string;
  url: string;
  createdMs: number;
  /** Not loaded before. */
  unread: boolean;
}

const columns = {
  id: int8,
  origin: int4,
  originUid: text,
  title: text,
  content: text,
  url: text,
  createdMs: int8,
  unread: bool,
};

/**
 * A page of a person's notifications, newest first, those behind the id `before`. Loading flags
 * what it answers as read, and whatever the page, sets the unread total back to nothing.
 */
export async function loadNotifications(
  ctx: Ctx,
  { userId, before, count }: { userId: number; before: number | undefined; count: number },
): Promise<Notification[]> {
  const statement = sql`
    with page as materialized (
      select id, origin, origin_user_id, title, content, url, created_at, read_at
      from notifications
      where user_id = ${userId} ${before === undefined ? sql`` : sql`and id < ${before}`}
      order by id desc limit ${count}
    ), unread as (
      -- What a page loaded at the same time is flagging need not be waited for.
      select id from notifications
      where id = any(array(select id from page where page.read_at is null)) and read_at is null
      for no key update skip locked
    ), flagged as (
      update notifications set read_at = ${instant(ctx.now())}
      from unread where notifications.id = unread.id
    ), counted as (
      select id, unread_count from users where id = ${userId}
    ), reset as (
      -- Less what was there, not to 0: what arrives meanwhile is not on this page.
      update users set unread_count = greatest(0, users.unread_count - counted.unread_count)
      from counted where users.id = counted.id and counted.unread_count > 0
    )
    select page.id, origin, coalesce(origin_user.uid, '') as origin_uid, title, content, page.url,
      ${milliseconds(sql`page.created_at`)} as created_ms, page.read_at is null as unread
    from page left join lateral (
      select uid from users where users.id = page.origin_user_id limit 1
    ) as origin_user on true
    order by page.id desc`;
  return await rows(ctx, statement, columns);
}
