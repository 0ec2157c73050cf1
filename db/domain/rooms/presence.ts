import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { brokenConstraintOf, retry } from "../../client/errors.ts";
import { RoomRole } from "../../schema/rooms.ts";
import { instant } from "../../sql.ts";
import { silentSince } from "./rules.ts";

const RACE_COUNT_MAX = 5;

/** Literal so that the planner sees it; the number is our own. */
export const HOST = sql.raw(String(RoomRole.host));
const LISTENER = sql.raw(String(RoomRole.listener));

/** Whether a row of `room_members` is of somebody who is in the room. */
export function isInside(now: Date): SQL {
  return sql`(room_members.left_at is null
    and room_members.seen_at > ${instant(silentSince(now))})`;
}

/**
 * Whether anybody is in `rooms`. A scalar, which the planner asks of each room it looks at; it would
 * turn `exists` into a join with everybody who is in any.
 */
export function isOccupied(now: Date): SQL {
  return sql`coalesce((select true from room_members
    where room_members.room_id = rooms.id and ${isInside(now)} limit 1), false)`;
}

/** Ids of a room's hosts: whoever opened it, and the people of the event it was started from. */
export function hostsOf(room: SQL): SQL {
  // A room started from an event has the event's id.
  return sql`select ${room}.host_id as user_id
    union select event_members.user_id from event_members where event_members.event_id = ${room}.id`;
}

/**
 * Whether a host, there or not, has blocked the person and so keeps them out. Nobody keeps whoever
 * opened the room out of it: who the guests of an event have blocked is not for its host to know.
 */
export function isKeptOut(room: SQL, userId: number | SQL): SQL {
  return sql`(${room}.host_id <> ${userId} and exists (
    select from blocks where blocks.blocked_id = ${userId}
      and blocks.user_id in (select user_id from (${hostsOf(room)}) as hosts)))`;
}

export interface Entering {
  userId: number;
  /** SHA-256 of the session's token; absent: nobody's login in particular. */
  tokenHash: string | undefined;
  /** Rows with `room_id` and `is_host`: the room entered, or none. */
  into: SQL;
}

/**
 * CTEs that let a person into a room, and out of the one they were in; the last is `entered`. Run
 * the statement by {@link enterOnce}: of two rooms entered at once it is one.
 */
export function entering(ctx: Ctx, { userId, tokenHash, into }: Entering): SQL {
  const at = ctx.now();
  const now = instant(at);
  return sql`
    chosen as (${into}),
    left_behind as (
      update room_members set left_at = ${now} from chosen
      where room_members.user_id = ${userId} and room_members.left_at is null
        and room_members.room_id <> chosen.room_id
      returning 1
    ), entered as (
      insert into room_members (room_id, user_id, role, joined_at, entered_at, seen_at, session_id)
      select room_id, ${userId}, case when is_host then ${HOST} else ${LISTENER} end,
        ${now}, ${now}, ${now}, (select id from sessions where token_hash = ${tokenHash ?? ""})
      -- Reading "left_behind" here makes the old row go before the new one comes.
      from chosen where (select count(*) from left_behind) >= 0
      on conflict (room_id, user_id) do update set
        role = excluded.role, entered_at = excluded.entered_at, session_id = excluded.session_id,
        seen_at = greatest(room_members.seen_at, excluded.seen_at), left_at = null,
        joined_at = case when ${isInside(at)}
          then room_members.joined_at else excluded.joined_at end
    )`;
}

/** Runs a statement with {@link entering} again when the person entered elsewhere meanwhile. */
export function enterOnce<T>(run: () => Promise<T>): Promise<T> {
  return retry(run, {
    isLost: (error) => brokenConstraintOf(error) === "room_members_inside",
    countMax: RACE_COUNT_MAX,
  });
}
