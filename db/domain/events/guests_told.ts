import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { NotificationOrigin } from "../../schema/notifications.ts";
import { appPath } from "../app_links.ts";
import { notifying } from "../notifications/notify.ts";

/**
 * CTEs for a statement that names an event's `people`, and changes the `event`: who is new among
 * them is told, but whoever does it, and who has blocked them.
 */
export function guestsTold(
  ctx: Ctx,
  { eventId, name, byUserId }: { eventId: string; name: string; byUserId: number },
): SQL {
  return notifying(ctx, {
    origin: NotificationOrigin.interactive,
    originUserId: byUserId,
    title: "你被邀请为活动嘉宾",
    content: name,
    url: appPath("event", eventId),
    push: true,
  }, {
    // The people of before are those this statement has found, whatever it does to them.
    receivers: sql`
      select people.id as user_id from event, people
      where people.id <> ${byUserId} and not exists (select 1 from event_members
          where event_members.event_id = event.id and event_members.user_id = people.id)
        and not exists (select 1 from blocks
          where blocks.user_id = people.id and blocks.blocked_id = ${byUserId})`,
  });
}
