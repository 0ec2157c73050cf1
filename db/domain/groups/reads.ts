import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { MemberRole } from "../../schema/groups.ts";
import {
  bool,
  instant,
  int4,
  int8,
  listOf,
  maybe,
  milliseconds,
  patternOf,
  PLANNED_WITH_VALUES,
  rows,
  text,
  time,
} from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { keepsLog } from "../messages/channel.ts";
import { role } from "./people.ts";
import { GROUPS_COUNT_MAX, type Role } from "./rules.ts";

/** A group as one person sees it. */
export interface GroupView {
  groupNo: string;
  name: string;
  notice: string;
  forbidden: boolean;
  invite: boolean;
  version: number;
  memberCount: number;
  /** What is said is kept in one log, which members copy. */
  isLarge: boolean;
  status: number;
  isDisbanded: boolean;
  createdAt: Date;
  updatedAt: Date;
  /** The person's own place and switches. */
  role: Role;
  /** Was a member once, and is none now. */
  hasQuit: boolean;
  mute: boolean;
  top: boolean;
  save: boolean;
  showNick: boolean;
  remark: string;
  /** Until when the person may not speak. */
  mutedUntil: Date | undefined;
}

const GROUP_COLUMNS = {
  groupNo: text,
  name: text,
  notice: text,
  forbidden: bool,
  invite: bool,
  version: int8,
  memberCount: int4,
  isLarge: bool,
  status: int4,
  isDisbanded: bool,
  createdAt: time,
  updatedAt: time,
  role,
  hasQuit: bool,
  mute: bool,
  top: bool,
  save: bool,
  showNick: bool,
  remark: text,
  mutedUntil: maybe(time),
};

/** A member's mute as long as it lasts. */
const mutedUntil = (member: SQL, now: Date): SQL =>
  sql`case when ${member}.muted_until > ${instant(now)}
    then ${milliseconds(sql`${member}.muted_until`)} end as muted_until`;

/**
 * A group for anybody who knows its number.
 *
 * @throws {DomainError} `group_missing`
 */
export async function readGroup(
  ctx: Ctx,
  { groupNo, userId }: { groupNo: string; userId: number },
): Promise<GroupView> {
  const whose = sql`groups.group_no = ${groupNo} and groups.app_id = ${HOUSE_APP_ID}`;
  const [group] = await readGroups(ctx, { userId, whose, countMax: 1 });
  if (!group) throw new DomainError("group_missing");
  return group;
}

/** The groups of these ids, as one person sees them; in no order. */
export async function readGroupsById(
  ctx: Ctx,
  { groupIds, userId }: { groupIds: number[]; userId: number },
): Promise<GroupView[]> {
  if (groupIds.length === 0) return [];
  const whose = sql`groups.id = any(${listOf(groupIds, "bigint")})`;
  return await readGroups(ctx, { userId, whose, countMax: groupIds.length });
}

/** The groups a person is in and has saved, the newest group first. */
export async function listSavedGroups(
  ctx: Ctx,
  { userId }: { userId: number },
): Promise<GroupView[]> {
  const whose = sql`groups.id in (
      select group_members.group_id from group_members join group_settings
        on group_settings.group_id = group_members.group_id
        and group_settings.user_id = group_members.user_id and group_settings.save
      where group_members.user_id = ${userId} and group_members.removed_at is null)
    and groups.disbanded_at is null and groups.app_id = ${HOUSE_APP_ID}`;
  return await readGroups(ctx, { userId, whose, countMax: GROUPS_COUNT_MAX });
}

async function readGroups(
  ctx: Ctx,
  { userId, whose, countMax }: { userId: number; whose: SQL; countMax: number },
): Promise<GroupView[]> {
  const statement = sql`
    select groups.group_no, groups.name, groups.notice, groups.forbidden, groups.invite,
      groups.version, groups.member_count, ${keepsLog} as is_large, groups.status,
      groups.disbanded_at is not null as is_disbanded,
      ${milliseconds(sql`groups.created_at`)} as created_at,
      ${milliseconds(sql`groups.updated_at`)} as updated_at,
      coalesce(mine.role, ${MemberRole.member}) as role, mine.removed_at is not null as has_quit,
      coalesce(own.mute, false) as mute, coalesce(own.top, false) as top,
      coalesce(own.save, false) as save, coalesce(own.show_nick, true) as show_nick,
      coalesce(own.remark, '') as remark, ${mutedUntil(sql`mine`, ctx.now())}
    from groups
    left join group_members as mine on mine.group_id = groups.id and mine.user_id = ${userId}
    left join group_settings as own on own.group_id = groups.id and own.user_id = ${userId}
    where ${whose} order by groups.id desc limit ${countMax}`;
  return await rows(ctx, statement, GROUP_COLUMNS);
}

/**
 * A person's place in a group.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`
 */
export async function readPlace(
  ctx: Ctx,
  { groupNo, userId }: { groupNo: string; userId: number },
): Promise<{ groupId: number; role: Role }> {
  const statement = sql`
    select groups.id as group_id, mine.role from groups
    left join group_members as mine on mine.group_id = groups.id and mine.user_id = ${userId}
      and mine.removed_at is null
    where groups.group_no = ${groupNo} and groups.app_id = ${HOUSE_APP_ID}
      and groups.disbanded_at is null`;
  const [place] = await rows(ctx, statement, { groupId: int8, role: maybe(role) });
  if (!place) throw new DomainError("group_missing");
  if (place.role === undefined) throw new DomainError("group_not_member");
  return { groupId: place.groupId, role: place.role };
}

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

/** Of a row without an `id` the others say nothing but whether who asks is a member. */
const SYNC_COLUMNS = { ...MEMBER_COLUMNS, id: maybe(int8), isMember: bool };

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
 * and is longer than `limit` rather than hiding the rest of it.
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
    where group_id = (select id from place where is_member) and version > ${version}
    order by version fetch first (${limit}::bigint) rows with ties`;
  return await readMembersOf(ctx, { groupNo, userId, page, order: sql`page.version, page.id` });
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
  { groupNo, userId, page, order }: { groupNo: string; userId: number; page: SQL; order: SQL },
): Promise<SyncedMember[]> {
  const statement = sql`
    with place as (
      select groups.id, exists (select 1 from group_members where group_id = groups.id
        and user_id = ${userId} and removed_at is null) as is_member
      from groups where group_no = ${groupNo} and app_id = ${HOUSE_APP_ID}
        and disbanded_at is null
    ), page as (${page})
    select ${memberColumns(ctx.now())}, place.is_member
    from place left join page on true left join users on users.id = page.user_id
      left join users as inviter on inviter.id = page.inviter_id
    order by ${order}`;
  const found = await rows(ctx, statement, SYNC_COLUMNS);
  if (found.length === 0) throw new DomainError("group_missing");
  if (!found[0]!.isMember) throw new DomainError("group_not_member");
  return found.flatMap(({ id, isMember: _, ...member }) =>
    id === undefined ? [] : [{ id, ...member }]
  );
}
