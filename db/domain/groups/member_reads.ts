import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { MemberRole } from "../../schema/groups.ts";
import {
  bool,
  instant,
  int8,
  maybe,
  milliseconds,
  patternOf,
  PLANNED_WITH_VALUES,
  rows,
  text,
  time,
} from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { role } from "./people.ts";
import type { Role } from "./rules.ts";

/** A member's mute as long as it lasts. */
export const mutedUntil = (member: SQL, now: Date): SQL =>
  sql`case when ${member}.muted_until > ${instant(now)}
    then ${milliseconds(sql`${member}.muted_until`)} end as muted_until`;

/** A member as the sync shows them, also when they are none any more. */
export interface SyncedMember {
  id: number;
  uid: string;
  name: string;
  remark: string;
  role: Role;
  isDeleted: boolean;
  version: number;
  inviterUid: string;
  mutedUntil: Date | undefined;
  isBlacklisted: boolean;
  createdAt: Date;
  updatedAt: Date;
}

const MEMBER_COLUMNS = {
  id: int8,
  uid: text,
  name: text,
  remark: text,
  role,
  isDeleted: bool,
  version: int8,
  inviterUid: text,
  mutedUntil: maybe(time),
  isBlacklisted: bool,
  createdAt: time,
  updatedAt: time,
};

/** Of the members `page`, who are the `users` whom the `inviter` brought. */
const memberColumns = (now: Date): SQL =>
  sql`page.id, users.uid, users.nickname as name, page.nickname as remark, page.role,
    page.removed_at is not null as is_deleted, page.version,
    coalesce(inviter.uid, '') as inviter_uid, ${mutedUntil(sql`page`, now)},
    page.blacklisted_at is not null as is_blacklisted,
    ${milliseconds(sql`page.joined_at`)} as created_at,
    ${milliseconds(sql`coalesce(page.removed_at, page.joined_at)`)} as updated_at`;

/** Of a row without an `id` the others say nothing but whether who asks is a member, or was. */
const SYNC_COLUMNS = { ...MEMBER_COLUMNS, id: maybe(int8), isMember: bool, wasMember: bool };

/** A member, and who brought them. */
export interface MemberPlace {
  member: SyncedMember;
  /** Empty: they came by themselves. */
  inviterName: string;
}

/** Somebody's place in a group, for its members; undefined where one of the two is none. */
export async function readMember(
  ctx: Ctx,
  { groupNo, uid, viewerId }: { groupNo: string; uid: string; viewerId: number },
): Promise<MemberPlace | undefined> {
  const statement = sql`
    select ${memberColumns(ctx.now())}, coalesce(inviter.nickname, '') as inviter_name
    from groups
    join group_members as mine on mine.group_id = groups.id and mine.user_id = ${viewerId}
      and mine.removed_at is null
    join users on users.uid = ${uid}
    join group_members as page on page.group_id = groups.id and page.user_id = users.id
      and page.removed_at is null
    left join users as inviter on inviter.id = page.inviter_id
    where groups.group_no = ${groupNo} and groups.app_id = ${HOUSE_APP_ID}
      and groups.disbanded_at is null`;
  const [found] = await rows(ctx, statement, { ...MEMBER_COLUMNS, inviterName: text });
  if (!found) return undefined;
  const { inviterName, ...member } = found;
  return { member, inviterName };
}

/**
 * Members changed after `version`, in the order of their changes. One change may be of many
 * members and has one version, by which the caller goes on: so a page ends with a whole change,
 * and is longer than `limit` rather than hiding the rest of it. Who was a member once, or is
 * of a group that is disbanded, learns of themselves alone: clients go on asking for what they have
 * a conversation of.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`
 */
export async function syncMembers(
  ctx: Ctx,
  { groupNo, userId, version, limit }: {
    groupNo: string;
    userId: number;
    version: number;
    limit: number;
  },
): Promise<SyncedMember[]> {
  const page = sql`
    select group_members.* from group_members
    where group_id = (select id from place) and version > ${version}
      and ((select is_member from place) or user_id = ${userId})
    order by version fetch first (${limit}::bigint) rows with ties`;
  const order = sql`page.version, page.id`;
  return await readMembersOf(ctx, { groupNo, userId, page, order, isForFormer: true });
}

/**
 * Those who are in a group now, a page by its number from 1: the owner, the managers, then everybody
 * in the order in which they first came.
 * @param keyword part of a name or nickname; absent: everybody
 * @throws {DomainError} `group_missing`, `group_not_member`
 */
export async function listMembers(
  ctx: Ctx,
  { groupNo, userId, keyword, page: pageNumber, limit }: {
    groupNo: string;
    userId: number;
    keyword: string | undefined;
    page: number;
    limit: number;
  },
): Promise<SyncedMember[]> {
  const pattern = keyword === undefined ? undefined : patternOf(keyword);
  const rank = sql`case group_members.role when ${MemberRole.owner} then 0
    when ${MemberRole.manager} then 1 else 2 end`;
  // A group is as long as it is: a page far into it costs no more than the whole of it.
  const page = sql`
    select group_members.*, row_number() over (order by ${rank}, group_members.id) as place
    from group_members join users on users.id = group_members.user_id
    where group_members.group_id = (select id from place where is_member)
      and group_members.removed_at is null
      ${
    pattern === undefined
      ? sql``
      : sql`and (users.nickname ilike ${pattern} or group_members.nickname ilike ${pattern})`
  }
    order by place limit ${limit} offset ${(pageNumber - 1) * limit} ${PLANNED_WITH_VALUES}`;
  return await readMembersOf(ctx, { groupNo, userId, page, order: sql`page.place` });
}

async function readMembersOf(
  ctx: Ctx,
  { groupNo, userId, page, order, isForFormer = false }: {
    groupNo: string;
    userId: number;
    page: SQL;
    order: SQL;
    /** Whether it also answers those who were members once. */
    isForFormer?: boolean;
  },
): Promise<SyncedMember[]> {
  const statement = sql`
    with place as (
      select groups.id, mine.user_id is not null as was_member,
        mine.user_id is not null and mine.removed_at is null and disbanded_at is null as is_member
      from groups left join group_members as mine
        on mine.group_id = groups.id and mine.user_id = ${userId}
      where group_no = ${groupNo} and app_id = ${HOUSE_APP_ID}
        and (disbanded_at is null or ${isForFormer} and mine.user_id is not null)
    ), page as (${page})
    select ${memberColumns(ctx.now())}, place.is_member, place.was_member
    from place left join page on true left join users on users.id = page.user_id
      left join users as inviter on inviter.id = page.inviter_id
    order by ${order}`;
  const found = await rows(ctx, statement, SYNC_COLUMNS);
  if (found.length === 0) throw new DomainError("group_missing");
  const { isMember, wasMember } = found[0]!;
  if (!isMember && !(isForFormer && wasMember)) throw new DomainError("group_not_member");
  return found.flatMap(({ id, isMember: _, wasMember: __, ...member }) =>
    id === undefined ? [] : [{ id, ...member }]
  );
}
