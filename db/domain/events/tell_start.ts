import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { NotificationOrigin } from "../../schema/notifications.ts";
import { int8, maybe, rows, text } from "../../sql.ts";
import { appPath } from "../app_links.ts";
import { notifying } from "../notifications/notify.ts";
import { NOTIFY_COUNT_MAX } from "../notifications/rules.ts";
import type { Claim } from "../outgoing/claims.ts";
import { enqueueFrom } from "../outgoing/enqueue.ts";
import { NOBODY_TOLD, tellInChunks } from "../outgoing/tell_in_chunks.ts";

interface Telling {
  eventId: string;
  name: string | SQL;
  /** Who is told, as `user_id`s. */
  receivers: SQL;
}

function tellingOfStart(ctx: Ctx, { eventId, name, receivers }: Telling): SQL {
  return notifying(ctx, {
    origin: NotificationOrigin.system,
    title: "你预约的活动已经开始了",
    content: name,
    url: appPath("room", eventId),
    push: true,
  }, { receivers });
}

/**
 * CTEs for the statement that starts an event, which has it in `started`: who asked to be reminded
 * is told, the first of many at once, the others by pending work.
 */
export function startTold(
  ctx: Ctx,
  { eventId, byUserId }: { eventId: string; byUserId: number },
): SQL {
  const rest = sql`
    select jsonb_build_object('eventId', id, 'after', (select max(user_id) from asked)) as payload,
      'event_started:' || id as dedupe_key
    from started where (select count(*) from asked) = ${NOTIFY_COUNT_MAX}`;
  return sql`asked as (
      select event_reminders.user_id from started
      join event_reminders on event_reminders.event_id = started.id
      where event_reminders.user_id <> ${byUserId}
      order by event_reminders.user_id limit ${NOTIFY_COUNT_MAX}
    ), ${
    tellingOfStart(ctx, {
      eventId,
      name: sql`select name from started`,
      receivers: sql`select user_id from asked`,
    })
  }, rest as (${enqueueFrom(ctx, "event_started", rest)})`;
}

/** Tells those who did not fit into the statement that started it, whoever started it not. */
export async function fanOutStart(ctx: Ctx, claim: Claim<"event_started">): Promise<number> {
  const { eventId } = claim.payload;
  return await tellInChunks(ctx, claim, {
    chunkCount: NOTIFY_COUNT_MAX,
    async tell(ctx, after) {
      const [event] = await rows(
        ctx,
        sql`select events.name, rooms.host_id from events join rooms on rooms.id = events.room_id
          where events.id = ${eventId} and rooms.closed_at is null`,
        { name: text, hostId: int8 },
      );
      if (!event) return NOBODY_TOLD;
      const receivers = sql`select user_id from asked`;
      const [told] = await rows(
        ctx,
        sql`with asked as (
            select user_id from event_reminders where event_id = ${eventId} and user_id > ${after}
              and user_id <> ${event.hostId}
            order by user_id limit ${NOTIFY_COUNT_MAX}
          ), ${tellingOfStart(ctx, { eventId, name: event.name, receivers })}
          select (select max(user_id) from asked) as last, (select count(*) from asked) as told,
            (select count(*) from notices) as entered`,
        { last: maybe(int8), told: int8, entered: int8 },
      );
      return told!;
    },
  });
}
