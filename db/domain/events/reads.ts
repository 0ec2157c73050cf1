import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, milliseconds } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { PageInput } from "../paging/keyset.ts";
import { PAGE_COUNT_MAX } from "../paging/rules.ts";
import { mayEnter, roomJson, type RoomView } from "../rooms/view.ts";
import type { Profile } from "../users/profile.ts";
import { NOBODY_ID, profileJson } from "../users/profile_json.ts";
import { EVENT_WINDOW_MS, type EventFacts } from "./rules.ts";

export interface EventView extends EventFacts {
  eventId: string;
  name: string;
  description: string;
  createdAtMs: number;
  creatorUid: string;
  memberUids: string[];
  isReminded: boolean;
  room: RoomView | null;
}

export interface EventWithMembers extends EventView {
  members: Profile[];
}

/** An {@link EventView} of `events` as one JSON value. */
function eventJson(viewerId: number, now: Date): SQL {
  return sql`jsonb_build_object(
    'eventId', events.id, 'name', events.name, 'description', events.description,
    'roomId', events.room_id, 'eventAtMs', ${milliseconds(sql`events.event_at`)},
    'createdAtMs', ${milliseconds(sql`events.created_at`)},
    'creatorUid', (select users.uid from users where users.id = events.creator_id),
    'memberUids', (
      select coalesce(jsonb_agg(users.uid order by event_members.position), '[]')
      from event_members join users on users.id = event_members.user_id
      where event_members.event_id = events.id),
    'isMember', exists (select 1 from event_members
      where event_members.event_id = events.id and event_members.user_id = ${viewerId}),
    'isReminded', exists (select 1 from event_reminders
      where event_reminders.event_id = events.id and event_reminders.user_id = ${viewerId}),
    'room', (select ${roomJson(viewerId, now)} from rooms
      where rooms.id = events.room_id and ${mayEnter(viewerId, now)}))`;
}

export async function findEvent(
  ctx: Ctx,
  { eventId, viewerId }: { eventId: string; viewerId: number },
): Promise<EventWithMembers | undefined> {
  const { rows } = await ctx.db.execute<{ event: EventView; members: Profile[] }>(sql`
    select ${eventJson(viewerId, ctx.now())} as event, (
      select coalesce(jsonb_agg(${profileJson(viewerId)} order by event_members.position), '[]')
      from event_members join users on users.id = event_members.user_id
      where event_members.event_id = events.id) as members
    from events where events.id = ${eventId} and events.deleted_at is null`);
  return rows[0] && { ...rows[0].event, members: rows[0].members };
}

/** @throws {DomainError} `event_missing` */
export async function readEvent(
  ctx: Ctx,
  input: { eventId: string; viewerId: number },
): Promise<EventWithMembers> {
  const event = await findEvent(ctx, input);
  if (!event) throw new DomainError("event_missing");
  return event;
}

/** For people who may not be logged in. */
export function readPublicEvent(ctx: Ctx, eventId: string): Promise<EventWithMembers> {
  return readEvent(ctx, { eventId, viewerId: NOBODY_ID });
}

/** Events that are not over, the next first. */
export async function listEvents(
  ctx: Ctx,
  page: { viewerId: number } & PageInput,
): Promise<EventView[]> {
  const { rows } = await ctx.db.execute<{ event: EventView }>(listEventsQuery(ctx.now(), page));
  return rows.map(({ event }) => event);
}

function listEventsQuery(
  now: Date,
  { viewerId, cursor, count }: { viewerId: number } & PageInput,
): SQL {
  const overBefore = new Date(now.getTime() - EVENT_WINDOW_MS);
  // Not as a date: a cursor somebody made up may name a year that is no date to Postgres.
  const from = cursor
    ? sql`(event_at, id) > (to_timestamp(${cursor.at.getTime()}::float8 / 1000), ${cursor.id})`
    : sql`true`;
  return sql`
    select ${eventJson(viewerId, now)} as event
    from (
      -- The limit within is one the planner knows: an unknown one it takes for a tenth of them all.
      select * from (
        select * from events
        where deleted_at is null and event_at >= ${instant(overBefore)} and ${from}
        order by event_at, id limit ${sql.raw(String(PAGE_COUNT_MAX))}
      ) as coming
      order by event_at, id limit ${count}
    ) as events
    order by events.event_at, events.id`;
}
