import { and, desc, eq, gte, lt, type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { Ctx } from "../../client/ctx.ts";
import { redPackets, redPacketShares, RedPacketType } from "../../schema/red_packets.ts";
import { users } from "../../schema/users.ts";
import { CHINA_AHEAD_MS } from "../china_time.ts";
import { type OwnStatus, statusOf, YEAR_COUNT_MAX, yearOf, yearStartMs } from "./rules.ts";

export interface YearOf {
  userId: number;
  year: number;
}

/** Pages are counted by the contract; OFFSET passes over rows of one person's one year alone. */
export interface YearPage extends YearOf {
  pageIndex: number;
  pageSize: number;
}

/** Not written as a date: a caller may ask for a year that is none to Postgres. */
const instantOf = (ms: number): SQL => sql`to_timestamp(${ms}::float8 / 1000)`;

function withinYear(column: PgColumn, year: number): SQL {
  return and(
    gte(column, instantOf(yearStartMs(year))),
    lt(column, instantOf(yearStartMs(year + 1))),
  )!;
}

/** Years in which somebody has sent or taken any, newest first; the current one in any case. */
export async function listYears(ctx: Ctx, { userId }: { userId: number }): Promise<number[]> {
  const current = yearOf(ctx.now());
  const there = sql.raw(`interval '${CHINA_AHEAD_MS} milliseconds'`);
  const { rows } = await ctx.db.execute<{ year: number }>(sql`
    with oldest as (
      select least((select min(paid_at) from red_packets where sender_id = ${userId}),
        (select min(opened_at) from red_packet_shares where user_id = ${userId})) as at
    ), years as (
      select year, make_timestamp(year, 1, 1, 0, 0, 0) at time zone ${there} as starts_at,
        make_timestamp(year + 1, 1, 1, 0, 0, 0) at time zone ${there} as ends_at
      from oldest, generate_series(
        coalesce(extract(year from oldest.at at time zone ${there})::int, ${current}::int),
        ${current}::int) as year
    )
    select year from years
    where year = ${current}
      or exists (select from red_packets where sender_id = ${userId}
        and paid_at >= starts_at and paid_at < ends_at)
      or exists (select from red_packet_shares where user_id = ${userId}
        and opened_at >= starts_at and opened_at < ends_at)
    order by year desc limit ${YEAR_COUNT_MAX}`);
  return rows.map(({ year }) => year);
}

export interface Sum {
  /** 分 */
  amount: number;
  count: number;
}

export async function sumSent(ctx: Ctx, { userId, year }: YearOf): Promise<Sum> {
  const [sum] = await ctx.db
    .select({
      amount: sql`coalesce(sum(${redPackets.amount}), 0)`.mapWith(Number),
      count: sql`count(*)`.mapWith(Number),
    })
    .from(redPackets)
    .where(and(eq(redPackets.senderId, userId), withinYear(redPackets.paidAt, year)));
  return sum!;
}

export async function sumTaken(
  ctx: Ctx,
  { userId, year }: YearOf,
): Promise<Sum & { luckiestCount: number }> {
  // A packet's luckiest is known once all of it is taken; equal shares have none.
  const isLuckiest = and(
    eq(redPackets.state, "finished"),
    eq(redPackets.type, RedPacketType.random),
    eq(redPackets.luckyPosition, redPacketShares.position),
  )!;
  const [sum] = await ctx.db
    .select({
      amount: sql`coalesce(sum(${redPacketShares.amount}), 0)`.mapWith(Number),
      count: sql`count(*)`.mapWith(Number),
      luckiestCount: sql`count(*) filter (where ${isLuckiest})`.mapWith(Number),
    })
    .from(redPacketShares)
    .innerJoin(redPackets, eq(redPackets.id, redPacketShares.packetId))
    .where(and(eq(redPacketShares.userId, userId), withinYear(redPacketShares.openedAt, year)));
  return sum!;
}

export interface SentRecord {
  redpacketNo: string;
  type: number;
  /** 分 */
  amount: number;
  shareCount: number;
  openedCount: number;
  paidAt: Date;
  status: OwnStatus;
}

export async function listSent(
  ctx: Ctx,
  { userId, year, pageIndex, pageSize }: YearPage,
): Promise<SentRecord[]> {
  const packets = await ctx.db
    .select({
      redpacketNo: redPackets.redpacketNo,
      type: redPackets.type,
      amount: redPackets.amount,
      shareCount: redPackets.shareCount,
      openedCount: redPackets.openedCount,
      paidAt: redPackets.paidAt,
      state: redPackets.state,
      expiresAt: redPackets.expiresAt,
    })
    .from(redPackets)
    .where(and(eq(redPackets.senderId, userId), withinYear(redPackets.paidAt, year)))
    .orderBy(desc(redPackets.paidAt), desc(redPackets.id))
    .limit(pageSize).offset((pageIndex - 1) * pageSize);
  const now = ctx.now();
  return packets.map(({ state, expiresAt, ...packet }) => ({
    ...packet,
    paidAt: packet.paidAt!,
    status: statusOf({ state, expiresAt }, now),
  }));
}

export interface TakenRecord {
  redpacketNo: string;
  type: number;
  senderUid: string;
  senderName: string;
  /** 分 */
  amount: number;
  openedAt: Date;
}

export async function listTaken(
  ctx: Ctx,
  { userId, year, pageIndex, pageSize }: YearPage,
): Promise<TakenRecord[]> {
  const shares = await ctx.db
    .select({
      redpacketNo: redPackets.redpacketNo,
      type: redPackets.type,
      senderUid: users.uid,
      senderName: users.nickname,
      amount: redPacketShares.amount,
      openedAt: redPacketShares.openedAt,
    })
    .from(redPacketShares)
    .innerJoin(redPackets, eq(redPackets.id, redPacketShares.packetId))
    .innerJoin(users, eq(users.id, redPackets.senderId))
    .where(and(eq(redPacketShares.userId, userId), withinYear(redPacketShares.openedAt, year)))
    .orderBy(desc(redPacketShares.openedAt), desc(redPacketShares.packetId))
    .limit(pageSize).offset((pageIndex - 1) * pageSize);
  return shares.map((share) => ({ ...share, openedAt: share.openedAt! }));
}
