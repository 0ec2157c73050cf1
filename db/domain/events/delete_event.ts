import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { findEvent } from "./reads.ts";
import { checkChange } from "./rules.ts";

/** @throws {DomainError} `event_missing`, `event_not_yours`, `event_started` */
export async function deleteEvent(
  ctx: Ctx,
  { eventId, userId }: { eventId: string; userId: number },
): Promise<void> {
  const { rows } = await ctx.db.execute(sql`
    update events set deleted_at = ${instant(ctx.now())}
    where id = ${eventId} and deleted_at is null and room_id is null
      and exists (select 1 from event_members
        where event_members.event_id = events.id and event_members.user_id = ${userId})
    returning id`);
  if (rows[0]) return;
  checkChange(await findEvent(ctx, { eventId, viewerId: userId }));
  // Somebody changed it between the two statements; now it would go, then it could not.
  throw new DomainError("event_missing");
}
