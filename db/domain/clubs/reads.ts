import { and, desc, eq, isNull, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { clubMembers, clubs } from "../../schema/clubs.ts";
import { DomainError } from "../errors.ts";
import { behind, type PageInput, sameId, userIdOf } from "../paging/keyset.ts";
import { type ListedPerson, personSeenBy, profileOf } from "../users/person.ts";

export interface Club {
  clubId: string;
  name: string;
  cover: string;
  ownerUid: string;
  createdAt: Date;
  /** Always the number of its members. */
  memberCount: number;
  joined: boolean;
}

/** Columns of a {@link Club} for any query in which the table `clubs` stands under its own name. */
export function clubSeenBy(viewerId: number) {
  return {
    clubId: clubs.id,
    name: clubs.name,
    cover: clubs.cover,
    createdAt: clubs.createdAt,
    memberCount: clubs.memberCount,
    ownerUid: sql<string>`(select users.uid from users where users.id = clubs.owner_id)`
      .as("owner_uid"),
    joined: sql<boolean>`exists (select 1 from club_members
      where club_members.club_id = clubs.id and club_members.user_id = ${viewerId})`.as("joined"),
  };
}

/** @throws {DomainError} `club_missing` */
export async function readClub(
  ctx: Ctx,
  { clubId, viewerId }: { clubId: string; viewerId: number },
): Promise<Club> {
  const [club] = await ctx.db.select(clubSeenBy(viewerId)).from(clubs)
    .where(and(eq(clubs.id, clubId), isNull(clubs.deletedAt))).limit(1);
  if (!club) throw new DomainError("club_missing");
  return club;
}

export async function listClubsOf(
  ctx: Ctx,
  { userId, cursor, count }: PageInput & { userId: number },
): Promise<{ at: Date; club: Club }[]> {
  const page = ctx.db.select({ at: clubMembers.joinedAt, clubId: clubMembers.clubId })
    .from(clubMembers)
    .where(and(
      eq(clubMembers.userId, userId),
      behind(cursor, { time: clubMembers.joinedAt, id: clubMembers.clubId, idOf: sameId }),
    ))
    .orderBy(desc(clubMembers.joinedAt), desc(clubMembers.clubId)).limit(count).as("page");
  // The limit makes the planner look each club up, however many there are.
  const club = ctx.db.select(clubSeenBy(userId)).from(clubs)
    .where(sql`clubs.id = ${page.clubId}`).limit(1).as("club");
  return await ctx.db
    .select({
      at: page.at,
      club: {
        clubId: club.clubId,
        name: club.name,
        cover: club.cover,
        createdAt: club.createdAt,
        memberCount: club.memberCount,
        ownerUid: club.ownerUid,
        joined: club.joined,
      },
    })
    .from(page).innerJoinLateral(club, sql`true`)
    .orderBy(desc(page.at), desc(page.clubId));
}

/** @throws {DomainError} `club_missing` */
export async function listMembers(
  ctx: Ctx,
  { clubId, viewerId, cursor, count }: PageInput & { clubId: string; viewerId: number },
): Promise<ListedPerson[]> {
  const page = ctx.db.select({ at: clubMembers.joinedAt, userId: clubMembers.userId })
    .from(clubMembers)
    .where(and(
      eq(clubMembers.clubId, clubId),
      behind(cursor, { time: clubMembers.joinedAt, id: clubMembers.userId, idOf: userIdOf }),
    ))
    .orderBy(desc(clubMembers.joinedAt), desc(clubMembers.userId)).limit(count).as("page");
  const person = personSeenBy(ctx, viewerId, page.userId);
  const rows = await ctx.db.select({ at: page.at, profile: profileOf(person) })
    .from(clubs).leftJoinLateral(page, sql`true`).leftJoinLateral(person, sql`true`)
    .where(and(eq(clubs.id, clubId), isNull(clubs.deletedAt)))
    .orderBy(desc(page.at), desc(page.userId));
  // A club without a row on this page still answers one, of nothing.
  if (rows.length === 0) throw new DomainError("club_missing");
  return rows.filter((row): row is ListedPerson => row.at !== null);
}
