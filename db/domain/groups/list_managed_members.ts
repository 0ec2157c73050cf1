import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import {
  bool,
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
import { LISTED_COUNT_MAX, numberIn, uidIn } from "./managed_rules.ts";

/** Somebody in a group, with what they have paid for; as stored. */
export interface ManagedMember {
  userId: number;
  uid: string;
  nickname: string;
  bio: string;
  avatar: string;
  /** `group_members.version` */
  version: number;
  state: string;
  /** When they last logged in, or else joined. */
  activeAt: Date;
  createdAt: Date;
  joinedAt: Date;
  subscribedAt: Date | undefined;
  expiredAt: Date | undefined;
  /** The group their payments are shared with, and since when. */
  dividedTo: number | undefined;
  dividedAt: Date | undefined;
}

/** Of a row without a `userId` the others say nothing but what the whole list is. */
const MEMBER_COLUMNS = {
  isThere: bool,
  total: int8,
  userId: maybe(int8),
  uid: text,
  nickname: text,
  bio: text,
  avatar: text,
  version: int8,
  state: text,
  activeAt: time,
  createdAt: time,
  joinedAt: time,
  subscribedAt: maybe(time),
  expiredAt: maybe(time),
  dividedTo: maybe(int8),
  dividedAt: maybe(time),
};

export interface MembersPage {
  groupId: number;
  /** A part of the nickname, whatever the case of its letters, or a whole id; empty: all. */
  keyword: string;
  start: number;
  limit: number;
}

/**
 * One page of a group's members, the earliest accounts first, and how many there are: everybody, or
 * of those found at most {@link LISTED_COUNT_MAX}. One statement, whose cost is the page's as long
 * as nothing is searched for.
 *
 * @throws {DomainError} `group_missing`
 */
export async function listManagedMembers(
  ctx: Ctx,
  page: MembersPage,
): Promise<{ total: number; members: ManagedMember[] }> {
  const { total, found } = page.keyword === "" ? everybody(page) : foundBy(page);
  const statement = sql`
    with place as (
      select id, member_count from groups
      where id = ${page.groupId} and app_id = ${HOUSE_APP_ID} and disbanded_at is null
    ), ${found}
    select exists (select from place) as is_there, ${total} as total,
      users.id as user_id, users.uid, users.nickname, users.bio, users.avatar,
      member.version, member.state,
      ${milliseconds(sql`coalesce(users.last_login_at, member.joined_at)`)} as active_at,
      ${milliseconds(sql`users.created_at`)} as created_at,
      ${milliseconds(sql`member.joined_at`)} as joined_at,
      ${milliseconds(sql`member.subscribed_at`)} as subscribed_at,
      ${milliseconds(sql`member.expired_at`)} as expired_at,
      member.divided_to, ${milliseconds(sql`member.divided_at`)} as divided_at
    from (select 1) as one
    left join page on true
    left join group_members as member on member.group_id = ${page.groupId}
      and member.user_id = page.user_id
    left join users on users.id = page.user_id
    order by users.id`;
  const listed = await rows(ctx, statement, MEMBER_COLUMNS);
  if (!listed[0]!.isThere) throw new DomainError("group_missing");
  return {
    total: listed[0]!.total,
    members: listed.flatMap(({ isThere: _, total: __, userId, ...member }) =>
      userId === undefined ? [] : [{ userId, ...member }]
    ),
  };
}

interface Part {
  /** How many there are. */
  total: SQL;
  /** `page as (…)` with the ids of those on the page. */
  found: SQL;
}

function everybody({ start, limit }: MembersPage): Part {
  return {
    total: sql`(select member_count from place)`,
    found: sql`page as (
      select user_id from group_members
      where group_id = (select id from place) and removed_at is null
      order by user_id limit ${limit} offset ${start})`,
  };
}

function foundBy({ keyword, start, limit }: MembersPage): Part {
  const [id, uid] = [numberIn(keyword), uidIn(keyword)];
  const isNamed = sql.join([
    sql`lower(users.nickname) like lower(${patternOf(keyword)})`,
    ...id === undefined ? [] : [sql`users.id = ${id}`],
    ...uid === undefined ? [] : [sql`users.uid = ${uid}`],
  ], sql` or `);
  return {
    total: sql`(select count(*) from found)`,
    found: sql`found as materialized (
      select ${PLANNED_WITH_VALUES} member.user_id from group_members as member join users on users.id = member.user_id
      where member.group_id = (select id from place) and member.removed_at is null
        and users.app_id = ${HOUSE_APP_ID} and (${isNamed})
      order by member.user_id limit ${LISTED_COUNT_MAX}
    ), page as (select user_id from found order by user_id limit ${limit} offset ${start})`,
  };
}
