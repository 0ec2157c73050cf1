import { sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { Ctx } from "../../client/ctx.ts";
import { bool, int8, long, longJson, maybe, rows, text, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import {
  GROUPS_COUNT_MAX,
  LISTED_MEMBERS_COUNT_LATER,
  LISTED_MEMBERS_COUNT_MAX,
  LISTED_MEMBERS_TOTAL_MAX,
} from "./rules.ts";

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

/** Of `groups`, the newest of which have taken `listed_before` places. */
const listedMembers = sql`
  select json_agg(json_build_object('uid', ${longJson(sql`page.app_uid`)}, 'name', page.name,
    'nickname', page.nickname) order by page.user_id) as members
  from (
    select users.app_uid, users.nickname as name, group_members.nickname,
      group_members.user_id
    from group_members join users on users.id = group_members.user_id
    where group_members.group_id = groups.id and group_members.removed_at is null
    order by group_members.user_id
    limit case when groups.listed_before < ${LISTED_MEMBERS_TOTAL_MAX}::bigint
      then ${LISTED_MEMBERS_COUNT_MAX}::bigint else ${LISTED_MEMBERS_COUNT_LATER}::bigint end
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
    from (
      select groups.*, coalesce(sum(least(member_count, ${LISTED_MEMBERS_COUNT_MAX}::bigint))
        over (order by groups.id desc rows between unbounded preceding and 1 preceding), 0)
        as listed_before
      from group_members as mine
      join groups on groups.id = mine.group_id and groups.disbanded_at is null
      where mine.user_id = ${userId} and mine.removed_at is null
      order by groups.id desc limit ${GROUPS_COUNT_MAX}
    ) as groups
    left join users as master on master.id = groups.owner_id
    left join group_settings as own on own.group_id = groups.id and own.user_id = ${userId}
    ${members}
    order by groups.id desc`;
  const groups = await rows(ctx, statement, GROUP_COLUMNS);
  return groups.map((group) => ({ ...group, members: withMembers ? group.members : undefined }));
}

/**
 * A page of a group's members, by rising number; one trip.
 *
 * @param userId who asks, who must be in it; undefined: the app's server
 * @param after the last number of the page before; undefined: from the beginning
 * @throws {DomainError} `group_missing`, also for another app's, and a disbanded one;
 *   `group_not_member`
 */
export async function readMemberPage(
  ctx: Ctx,
  { tenantId, groupId, userId, after, limit }: {
    tenantId: number;
    groupId: number;
    userId: number | undefined;
    after?: LongInteger | undefined;
    limit: number;
  },
): Promise<ListedMember[]> {
  const isAsked = userId === undefined ? sql`true` : sql`exists (select from group_members
    where group_id = groups.id and user_id = ${userId} and removed_at is null)`;
  const statement = sql`
    with place as materialized (
      select id, ${isAsked} as may_ask from groups
      where id = ${groupId} and app_id = ${tenantId} and disbanded_at is null
    )
    select place.may_ask, page.* from place left join lateral (
      select users.app_uid as uid, users.nickname as name, group_members.nickname
      from group_members join users on users.id = group_members.user_id
      where group_members.group_id = place.id and group_members.removed_at is null
        and users.app_uid > ${after ?? 0}::bigint
      order by users.app_uid limit ${limit}
    ) as page on place.may_ask
    order by page.uid`;
  const found = await rows(ctx, statement, {
    mayAsk: bool,
    uid: maybe(long),
    name: text,
    nickname: text,
  });
  if (found.length === 0) throw new DomainError("group_missing");
  if (!found[0]!.mayAsk) throw new DomainError("group_not_member");
  return found.flatMap(({ uid, name, nickname }) =>
    uid === undefined ? [] : [{ uid, name, nickname }]
  );
}
