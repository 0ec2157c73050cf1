import { type SQL, sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { visibleUsers } from "../users/who_is_there.ts";
import { guestsTold } from "./guests_told.ts";
import { type EventWithMembers, readEvent } from "./reads.ts";
import { checkEventTime, membersOf } from "./rules.ts";

export interface EventInput {
  name: string;
  /** Absent: none, or the one it has. */
  description: string | undefined;
  eventAtMs: number;
  memberUids: string[];
}

/**
 * Announces an event, of which its guests are told.
 * @throws {DomainError} `params_invalid` for a time that is not ahead; `event_members_invalid` for
 *   people who cannot be seen, too many, or without the creator
 */
export async function createEvent(
  ctx: Ctx,
  { creator, ...input }: EventInput & { creator: { userId: number; uid: string } },
): Promise<EventWithMembers> {
  const now = ctx.now();
  checkEventTime(input.eventAtMs, now.getTime());
  const memberUids = membersOf(input.memberUids, creator.uid);
  const eventId = randomHex32();
  const { rows } = await ctx.db.execute<{ id: string }>(sql`
    with people as (${peopleNamed(memberUids)}), event as (
      insert into events (id, creator_id, name, description, event_at, created_at)
      select ${eventId}, ${creator.userId}, ${input.name}, ${input.description ?? ""},
        ${instant(new Date(input.eventAtMs))}, ${instant(now)}
      where (select count(*) from people) = ${memberUids.length}
      returning id
    ), members as (
      insert into event_members (event_id, user_id, position)
      select event.id, people.id, people.position from event, people
    ), ${guestsTold(ctx, { eventId, name: input.name, byUserId: creator.userId })}
    select id from event`);
  if (!rows[0]) throw new DomainError("event_members_invalid");
  return await readEvent(ctx, { eventId, viewerId: creator.userId });
}

export function peopleNamed(uids: string[]): SQL {
  return sql`
    select users.id, named.position::integer as position
    from jsonb_array_elements_text(${JSON.stringify(uids)}::jsonb)
      with ordinality as named(uid, position)
    join users on users.uid = named.uid
    where ${visibleUsers}`;
}
