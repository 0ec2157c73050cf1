import { sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { instant, milliseconds } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { type EventInput, peopleNamed } from "./create_event.ts";
import { guestsTold } from "./guests_told.ts";
import { type EventWithMembers, readEvent } from "./reads.ts";
import { checkChange, checkEventTime, type EventFacts, membersOf } from "./rules.ts";

export type EditEventInput = EventInput & { eventId: string; userId: number };

/**
 * Replaces what an event says and who its people are; whoever does it stays among them, and who is
 * new is told. Its time has to lie ahead only if it is another than before.
 * The event's row is locked first: of two edits at once the later one must see the people the
 * earlier one named, or both lists would stay.
 * @throws {DomainError} `event_missing`, `event_not_yours`, `event_started`, and as `createEvent`
 */
export async function editEvent(ctx: Ctx, input: EditEventInput): Promise<EventWithMembers> {
  await withTx(ctx, async (ctx) => {
    const event = await lockEvent(ctx, input);
    checkChange(event);
    if (input.eventAtMs !== event!.eventAtMs) {
      checkEventTime(input.eventAtMs, ctx.now().getTime());
    }
    await change(ctx, { ...input, memberUids: membersOf(input.memberUids, event!.callerUid) });
  });
  return await readEvent(ctx, { eventId: input.eventId, viewerId: input.userId });
}

async function lockEvent(ctx: Ctx, { eventId, userId }: EditEventInput) {
  const { rows } = await ctx.db.execute<{ event: EventFacts & { callerUid: string } }>(sql`
    select jsonb_build_object(
      'eventAtMs', ${milliseconds(sql`events.event_at`)}, 'roomId', events.room_id,
      'callerUid', (select uid from users where users.id = ${userId}),
      'isMember', exists (select 1 from event_members
        where event_members.event_id = events.id and event_members.user_id = ${userId})) as event
    from events where events.id = ${eventId} and deleted_at is null
    for no key update`);
  return rows[0]?.event;
}

/** A new time reminds people anew; who is now one of the event's people needs no reminder. */
async function change(
  ctx: Ctx,
  { eventId, userId, name, description, eventAtMs, memberUids }: EditEventInput,
) {
  const eventAt = instant(new Date(eventAtMs));
  const { rows } = await ctx.db.execute(sql`
    with people as (${peopleNamed(memberUids)}), event as (
      select id, event_at from events
      where id = ${eventId} and (select count(*) from people) = ${memberUids.length}
    ), changed as (
      update events set name = ${name}, event_at = ${eventAt},
        description = coalesce(${description ?? null}, events.description)
      from event where events.id = event.id
    ), kept as (
      insert into event_members (event_id, user_id, position)
      select event.id, people.id, people.position from event, people
      on conflict (event_id, user_id) do update set position = excluded.position
    ), dropped as (
      delete from event_members using event
      where event_members.event_id = event.id
        and event_members.user_id not in (select id from people)
    ), needless as (
      delete from event_reminders using event, people
      where event_reminders.event_id = event.id and event_reminders.user_id = people.id
    ), renewed as (
      update event_reminders set reminded_at = null
      from event
      where event_reminders.event_id = event.id and event.event_at <> ${eventAt}
        and event_reminders.user_id not in (select id from people)
    ), ${guestsTold(ctx, { eventId, name, byUserId: userId })}
    select id from event`);
  if (!rows[0]) throw new DomainError("event_members_invalid");
}
