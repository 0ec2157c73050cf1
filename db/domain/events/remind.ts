import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { NotificationOrigin } from "../../schema/notifications.ts";
import { instant, int8, rows, text } from "../../sql.ts";
import { appPath } from "../app_links.ts";
import { notifying } from "../notifications/notify.ts";
import { EVENT_REMINDER_MS, EVENT_WINDOW_MS } from "./rules.ts";

const EVENT_COUNT_MAX = 500;

/**
 * Tells everybody who asked of events that begin within ten minutes, unless they have been started,
 * each once: the mark that it
 * was done is written by the statement that does it.
 * @param limit most people told; what is over comes with the next run
 * @returns how many people were told
 */
export async function remindOfEvents(ctx: Ctx, { limit }: { limit: number }): Promise<number> {
  let told = 0;
  for (const event of await readDueEvents(ctx)) {
    if (told >= limit) break;
    told += await remindOf(ctx, event, limit - told);
  }
  return told;
}

interface DueEvent {
  id: string;
  name: string;
}

async function readDueEvents(ctx: Ctx): Promise<DueEvent[]> {
  const nowMs = ctx.now().getTime();
  const statement = sql`
    select id, name from events
    where deleted_at is null and room_id is null
      and event_at between ${instant(new Date(nowMs - EVENT_WINDOW_MS))}
        and ${instant(new Date(nowMs + EVENT_REMINDER_MS))}
      and exists (select 1 from event_reminders
        where event_reminders.event_id = events.id and reminded_at is null)
    order by event_at, id limit ${EVENT_COUNT_MAX}`;
  return await rows(ctx, statement, { id: text, name: text });
}

async function remindOf(ctx: Ctx, { id, name }: DueEvent, limit: number): Promise<number> {
  const notice = notifying(ctx, {
    origin: NotificationOrigin.system,
    title: "你预约的日程即将开始",
    content: name,
    url: appPath("event", id),
    push: true,
  }, { receivers: sql`select user_id from reminded` });
  const statement = sql`
    with due as materialized (
      select event_id, user_id from event_reminders
      where event_id = ${id} and reminded_at is null
        and exists (select from events
          where events.id = ${id} and deleted_at is null and room_id is null)
      order by user_id limit ${limit}
      -- Two runs at once share the work instead of waiting for each other.
      for update skip locked
    ), reminded as (
      update event_reminders set reminded_at = ${instant(ctx.now())}
      from due
      where event_reminders.event_id = due.event_id and event_reminders.user_id = due.user_id
      returning event_reminders.user_id
    ), ${notice}
    select (select count(*) from reminded) as count from (select count(*) from notices) as told`;
  const [told] = await rows(ctx, statement, { count: int8 });
  return told!.count;
}
