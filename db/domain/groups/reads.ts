import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { Role } from "./rules.ts";

/** A group as one person sees it. */
export interface GroupView {
  groupNo: string;
  name: string;
  notice: string;
  forbidden: boolean;
  invite: boolean;
  version: number;
  memberCount: number;
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
}

interface GroupRow extends Record<string, unknown> {
  name: string;
  notice: string;
  forbidden: boolean;
  invite: boolean;
  version: string;
  member_count: number;
  status: number;
  is_disbanded: boolean;
  created_at: Date | string;
  updated_at: Date | string;
  role: Role | null;
  has_quit: boolean | null;
  mute: boolean | null;
  top: boolean | null;
  save: boolean | null;
  show_nick: boolean | null;
}

/**
 * A group for anybody who knows its number.
 *
 * @throws {DomainError} `group_missing`
 */
export async function readGroup(
  ctx: Ctx,
  { groupNo, userId }: { groupNo: string; userId: number },
): Promise<GroupView> {
  const { rows: [row] } = await ctx.db.execute<GroupRow>(sql`
    select groups.name, groups.notice, groups.forbidden, groups.invite, groups.version,
      groups.member_count, groups.status, groups.disbanded_at is not null as is_disbanded,
      groups.created_at, groups.updated_at, mine.role, mine.removed_at is not null as has_quit,
      own.mute, own.top, own.save, own.show_nick
    from groups
    left join group_members as mine on mine.group_id = groups.id and mine.user_id = ${userId}
    left join group_settings as own on own.group_id = groups.id and own.user_id = ${userId}
    where groups.group_no = ${groupNo} and groups.app_id = ${HOUSE_APP_ID}`);
  if (!row) throw new DomainError("group_missing");
  return {
    groupNo,
    name: row.name,
    notice: row.notice,
    forbidden: row.forbidden,
    invite: row.invite,
    version: Number(row.version),
    memberCount: row.member_count,
    status: row.status,
    isDisbanded: row.is_disbanded,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
    role: row.role ?? 0,
    hasQuit: row.has_quit ?? false,
    mute: row.mute ?? false,
    top: row.top ?? false,
    save: row.save ?? false,
    showNick: row.show_nick ?? true,
  };
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
  const { rows: [row] } = await ctx.db.execute<{ id: string; role: Role | null }>(sql`
    select groups.id, mine.role from groups
    left join group_members as mine on mine.group_id = groups.id and mine.user_id = ${userId}
      and mine.removed_at is null
    where groups.group_no = ${groupNo} and groups.app_id = ${HOUSE_APP_ID}
      and groups.disbanded_at is null`);
  if (!row) throw new DomainError("group_missing");
  if (row.role === null) throw new DomainError("group_not_member");
  return { groupId: Number(row.id), role: row.role };
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
  createdAt: Date;
  updatedAt: Date;
}

interface SyncRow extends Record<string, unknown> {
  id: string | null;
  uid: string;
  name: string;
  remark: string;
  role: Role;
  is_deleted: boolean;
  version: string;
  inviter_uid: string | null;
  muted_until: Date | string | null;
  joined_at: Date | string;
  removed_at: Date | string | null;
  is_member: boolean;
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
  const { rows } = await ctx.db.execute<SyncRow>(sql`
    with place as (
      select groups.id, exists (select 1 from group_members where group_id = groups.id
        and user_id = ${userId} and removed_at is null) as is_member
      from groups where group_no = ${groupNo} and app_id = ${HOUSE_APP_ID}
        and disbanded_at is null
    ), page as (
      select group_members.* from group_members
      where group_id = (select id from place where is_member) and version > ${version}
      order by version fetch first (${limit}::bigint) rows with ties
    )
    select page.id, users.uid, users.nickname as name, page.nickname as remark, page.role,
      page.removed_at is not null as is_deleted, page.version,
      (select uid from users where id = page.inviter_id) as inviter_uid,
      case when page.muted_until > ${instant(ctx.now())} then page.muted_until end as muted_until,
      page.joined_at, page.removed_at, place.is_member
    from place left join page on true left join users on users.id = page.user_id
    order by page.version, page.id`);
  if (rows.length === 0) throw new DomainError("group_missing");
  if (!rows[0]!.is_member) throw new DomainError("group_not_member");
  return rows.filter(({ id }) => id !== null).map((row) => ({
    id: Number(row.id),
    uid: row.uid,
    name: row.name,
    remark: row.remark,
    role: row.role,
    isDeleted: row.is_deleted,
    version: Number(row.version),
    inviterUid: row.inviter_uid ?? "",
    mutedUntil: row.muted_until === null ? undefined : new Date(row.muted_until),
    createdAt: new Date(row.joined_at),
    updatedAt: new Date(row.removed_at ?? row.joined_at),
  }));
}
