import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { entering, enterOnce } from "../rooms/presence.ts";
import { type EventWithMembers, findEvent } from "./reads.ts";
import { checkStart, EVENT_WINDOW_MS } from "./rules.ts";
import { startTold } from "./tell_start.ts";

/**
 * Starts an event: opens a public room of its name with the starter in it as host. The room has the
 * event's id, so an event can have one only, and who its hosts are is found by that id. Of several
 * who start it at once one opens the room, and all are answered with it. Who asked to be reminded
 * is told.
 * @throws {DomainError} `event_missing`, `event_not_yours`, `event_not_due`, `event_over`
 */
export async function startEvent(
  ctx: Ctx,
  { eventId, userId, tokenHash }: {
    eventId: string;
    userId: number;
    /** Of the session that starts it. */
    tokenHash?: string | undefined;
  },
): Promise<EventWithMembers> {
  const nowMs = ctx.now().getTime();
  const now = instant(new Date(nowMs));
  const into = sql`select id as room_id, true as is_host from room`;
  const statement = sql`
    with started as (
      update events set room_id = id
      where id = ${eventId} and deleted_at is null and room_id is null
        and event_at between ${instant(new Date(nowMs - EVENT_WINDOW_MS))}
          and ${instant(new Date(nowMs + EVENT_WINDOW_MS))}
        and exists (select 1 from event_members
          where event_members.event_id = events.id and event_members.user_id = ${userId})
      returning id, name
    ), room as (
      insert into rooms (id, host_id, name, created_at)
      select id, ${userId}, name, ${now} from started
      returning id
    ), ${entering(ctx, { userId, tokenHash, into })},
    ${startTold(ctx, { eventId, byUserId: userId })}
    select id from room`;
  await enterOnce(() => ctx.db.execute(statement));
  const event = await findEvent(ctx, { eventId, viewerId: userId });
  checkStart(event, nowMs);
  return event!;
}
