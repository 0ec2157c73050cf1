import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { bool, instant, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";

/**
 * Ends a person's membership; who is no member, also of a club that has vanished, stays none. The
 * owner can only be the last to leave, and the club vanishes with them, and its open rooms. The
 * club's row is locked first: whether anybody else is left must still be so when it has happened.
 * @throws {DomainError} `club_missing` for a club that never was, `club_owner_stays`
 */
export async function leaveClub(
  ctx: Ctx,
  { userId, clubId }: { userId: number; clubId: string },
): Promise<void> {
  const statement = sql`
    with club as (
      select id, owner_id = ${userId} and member_count > 1 as must_stay
      from clubs where id = ${clubId} for no key update
    ), gone as (
      delete from club_members
      where club_id = (select id from club where not must_stay) and user_id = ${userId}
      returning club_id
    ), counted as (
      update clubs set member_count = clubs.member_count - 1,
        deleted_at = case when clubs.member_count = 1
          then ${instant(ctx.now())} end
      from gone where clubs.id = gone.club_id
      returning clubs.id, clubs.deleted_at
    ), closed as (
      update rooms set closed_at = ${instant(ctx.now())}
      from counted where rooms.club_id = counted.id and counted.deleted_at is not null
        and rooms.closed_at is null
    )
    select must_stay from club`;
  const [club] = await rows(ctx, statement, { mustStay: bool });
  if (!club) throw new DomainError("club_missing");
  if (club.mustStay) throw new DomainError("club_owner_stays");
}
