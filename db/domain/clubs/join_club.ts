import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, int4, milliseconds, rows, text, time } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { Club } from "./reads.ts";

const columns = {
  clubId: text,
  name: text,
  cover: text,
  ownerUid: text,
  createdAt: time,
  memberCount: int4,
};

/**
 * Makes a person a member of a club; who is one stays one. The club's row is locked first, so that
 * its count is counted on, and it cannot vanish meanwhile.
 * @throws {DomainError} `club_missing`
 */
export async function joinClub(
  ctx: Ctx,
  { userId, clubId }: { userId: number; clubId: string },
): Promise<Club> {
  const statement = sql`
    with club as (
      select * from clubs where id = ${clubId} and deleted_at is null for no key update
    ), joined as (
      insert into club_members (club_id, user_id, joined_at)
      select id, ${userId}, ${instant(ctx.now())} from club
      on conflict do nothing
      returning club_id
    ), counted as (
      update clubs set member_count = clubs.member_count + 1
      from joined where clubs.id = joined.club_id
    )
    select club.id as club_id, club.name, cover, owner.uid as owner_uid,
      ${milliseconds(sql`club.created_at`)} as created_at,
      member_count + (select count(*) from joined)::integer as member_count
    from club join users as owner on owner.id = owner_id`;
  const [club] = await rows(ctx, statement, columns);
  if (!club) throw new DomainError("club_missing");
  return { ...club, joined: true };
}
