import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { MemberRole } from "../../schema/groups.ts";
import { bool, int4, int8, listOf, maybe, milliseconds, rows, text, time } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { keepsLog } from "../messages/channel.ts";
import { mutedUntil } from "./member_reads.ts";
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
