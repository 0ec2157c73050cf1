import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, int8, listOf, rows } from "../../sql.ts";
import { enqueueFrom } from "../outgoing/enqueue.ts";
import { NOTIFY_COUNT_MAX } from "./rules.ts";

export interface Notice {
  /** One of `NotificationOrigin`. */
  origin: number;
  originUserId?: number | undefined;
  title: string;
  /** Text, or a text expression over the statement the notice is part of. */
  content: string | SQL;
  /** Where a tap leads, an `appPath`. */
  url: string;
  /** Whether their devices are to be told as well, by a job, after commit. */
  push: boolean;
}

/**
 * CTEs for a statement whose effect people are told of: the CTE `notices` has `id` and `user_id` of
 * what was written, and unread totals rise with it. Receivers' rows are locked in the order of
 * their ids, before ids of notifications are drawn, so each person's rise in the order of commits.
 * @param receivers a query that yields `user_id`s, nobody twice, {@link NOTIFY_COUNT_MAX} at most:
 *   the steps of more could reach ids that a statement with an older clock is about to draw
 * @param alsoSet further columns of the receivers' rows in `users` (`, card_count = …`): one
 *   statement can change a row once only
 */
export function notifying(
  ctx: Ctx,
  notice: Notice,
  { receivers, alsoSet = sql`` }: { receivers: SQL; alsoSet?: SQL },
): SQL {
  const now = ctx.now();
  const at = instant(now);
  // Steps are never reset: even in one millisecond, however many there are, ids rise. They run
  // ahead of the clock by a microsecond for each notification ever made.
  const id = sql`${now.getTime()}::bigint * 1000 + nextval('notification_steps')`;
  return sql`
    told as (
      update users set unread_count = users.unread_count + 1 ${alsoSet}
      from (
        select id from users where id in (${receivers}) order by id for no key update
      ) as receiver
      where users.id = receiver.id
      returning users.id
    ), notices as (
      insert into notifications
        (id, user_id, origin, origin_user_id, title, content, url, created_at)
      select ${id}, told.id, ${notice.origin}::smallint, ${notice.originUserId ?? null}::bigint,
        ${notice.title}::text, (${notice.content})::text, ${notice.url}::text, ${at}
      from told
      returning id, user_id, title, content, url
    ), pushes as (
      ${
    enqueueFrom(
      ctx,
      "push",
      sql`
        select jsonb_build_object('userId', user_id, 'title', title, 'content', content,
          'url', url, 'notificationId', id) as payload, 'push:' || id as dedupe_key
        from notices where ${notice.push}::boolean`,
    )
  }
    )`;
}

/** @returns the notification's id; undefined if there is no such person */
export async function notify(
  ctx: Ctx,
  { userId, ...notice }: Notice & { userId: number },
): Promise<number | undefined> {
  return (await notifyAll(ctx, { userIds: [userId], ...notice })).get(userId);
}

/** @returns ids of notifications by the ids of the people told, each once */
export async function notifyAll(
  ctx: Ctx,
  { userIds, ...notice }: Notice & { userIds: number[] },
): Promise<Map<number, number>> {
  if (userIds.length > NOTIFY_COUNT_MAX) {
    throw new RangeError(`more than ${NOTIFY_COUNT_MAX} people at once`);
  }
  const receivers = sql`
    select user_id from unnest(${listOf(userIds, "bigint")}) as user_id`;
  const statement = sql`with ${notifying(ctx, notice, { receivers })}
    select user_id, id from notices`;
  const told = await rows(ctx, statement, { userId: int8, id: int8 });
  return new Map(told.map(({ userId, id }) => [userId, id]));
}
