import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, milliseconds } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { Club } from "./reads.ts";

interface JoinedRow extends Record<string, unknown> {
  id: string;
  name: string;
  cover: string;
  owner_uid: string;
  created_ms: string;
  member_count: number;
}

/**
 * Makes a person a member of a club; who is one stays one. The club's row is locked first, so that
 * its count is counted on, and it cannot vanish meanwhile.
 *
 * @throws {DomainError} `club_missing`
 */
export async function joinClub(
  ctx: Ctx,
  { userId, clubId }: { userId: number; clubId: string },
): Promise<Club> {
  const { rows: [row] } = await ctx.db.execute<JoinedRow>(sql`
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
    select club.id, club.name, cover, owner.uid as owner_uid,
      ${milliseconds(sql`club.created_at`)} as created_ms,
      member_count + (select count(*) from joined)::integer as member_count
    from club join users as owner on owner.id = owner_id`);
  if (!row) throw new DomainError("club_missing");
  return {
    clubId: row.id,
    name: row.name,
    cover: row.cover,
    ownerUid: row.owner_uid,
    createdAt: new Date(Number(row.created_ms)),
    memberCount: row.member_count,
    joined: true,
  };
}
