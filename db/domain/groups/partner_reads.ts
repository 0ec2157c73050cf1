import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { bool, int8, long, longJson, rows, text, typed } from "../../sql.ts";
import { GROUPS_COUNT_MAX, LISTED_MEMBERS_COUNT_MAX } from "./rules.ts";

/** A group as the partner's people see it who are in it. */
export interface PartnerGroup {
  groupId: number;
  /** 0: nobody. */
  masterUid: LongInteger;
  isSuper: boolean;
  name: string;
  notice: string;
  doNotDisturb: boolean;
  /** Present when asked for. */
  members: ListedMember[] | undefined;
}

export interface ListedMember {
  uid: LongInteger;
  name: string;
  /** Within the group. */
  nickname: string;
}

const GROUP_COLUMNS = {
  groupId: int8,
  masterUid: long,
  isSuper: bool,
  name: text,
  notice: text,
  doNotDisturb: bool,
  members: typed<ListedMember[]>(),
};

/** Of `groups`. */
const listedMembers = sql`
  select json_agg(json_build_object('uid', ${longJson(sql`page.app_uid`)}, 'name', page.name,
    'nickname', page.nickname) order by page.user_id) as members
  from (
    select users.app_uid, users.nickname as name, group_members.nickname,
      group_members.user_id
    from group_members join users on users.id = group_members.user_id
    where group_members.group_id = groups.id and group_members.removed_at is null
    order by group_members.user_id limit ${LISTED_MEMBERS_COUNT_MAX}
  ) as page`;

/** The groups somebody is in, the newest first, with their members when asked; one trip. */
export async function readOwnGroups(
  ctx: Ctx,
  { userId, withMembers }: { userId: number; withMembers: boolean },
): Promise<PartnerGroup[]> {
  // Not as a parameter: planned for either value a statement looks for members nobody asked for.
  const members = withMembers ? sql`left join lateral (${listedMembers}) as listed on true` : sql``;
  const statement = sql`
    select groups.id as group_id, coalesce(master.app_uid, 0) as master_uid, groups.is_super,
      groups.name, groups.notice, coalesce(own.mute, false) as do_not_disturb,
      ${withMembers ? sql`coalesce(listed.members, '[]')` : sql`null`} as members
    from group_members as mine
    join groups on groups.id = mine.group_id and groups.disbanded_at is null
    left join users as master on master.id = groups.owner_id
    left join group_settings as own on own.group_id = groups.id and own.user_id = mine.user_id
    ${members}
    where mine.user_id = ${userId} and mine.removed_at is null
    order by groups.id desc limit ${GROUPS_COUNT_MAX}`;
  const groups = await rows(ctx, statement, GROUP_COLUMNS);
  return groups.map((group) => ({ ...group, members: withMembers ? group.members : undefined }));
}
