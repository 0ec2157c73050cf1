import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, milliseconds } from "../../sql.ts";
import { checkReminder, EVENT_WINDOW_MS, type EventFacts } from "./rules.ts";

/** @throws {DomainError} `event_missing`, `event_own`, `event_started`, `event_over` */
export async function askReminder(
  ctx: Ctx,
  { eventId, userId }: { eventId: string; userId: number },
): Promise<void> {
  const now = ctx.now();
  const overBefore = instant(new Date(now.getTime() - EVENT_WINDOW_MS));
  const { rows } = await ctx.db.execute<{ event: EventFacts }>(sql`
    with event as (
      select id, event_at, room_id, exists (select 1 from event_members
        where event_members.event_id = events.id and event_members.user_id = ${userId}) as is_member
      from events where id = ${eventId} and deleted_at is null
    ), asked as (
      insert into event_reminders (event_id, user_id, created_at)
      select id, ${userId}, ${instant(now)} from event
      where not is_member and room_id is null and event_at >= ${overBefore}
      on conflict (event_id, user_id) do nothing
    )
    select jsonb_build_object('eventAtMs', ${milliseconds(sql`event_at`)}, 'roomId', room_id,
      'isMember', is_member) as event
    from event`);
  checkReminder(rows[0]?.event, now.getTime());
}
