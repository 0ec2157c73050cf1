import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { GroupStatus } from "../../schema/groups.ts";
import type { ProfitCategory } from "../../schema/payouts.ts";
import { bool, instant, int8, listOf, type Row, rows, text, typed } from "../../sql.ts";
import { canBePaid } from "./payee.ts";
import { NO_ACCOUNT, shareOf } from "./rules.ts";
import { serialIdOf } from "./serial_id.ts";

export interface RecordCursor {
  groupId: number;
  category: string;
  userId: number;
}

const BEGINNING: RecordCursor = { groupId: 0, category: "", userId: 0 };

const columns = {
  groupId: int8,
  category: typed<ProfitCategory>(),
  userId: int8,
  sum: text,
  rate: text,
  canBePaid: bool,
};
type Sum = Row<typeof columns>;

/**
 * Works out who is to be paid what for a month: the owner of each running group a share of all its
 * payments, and each inviter one of what those they brought have paid; nothing to pay makes no
 * record. Records that are there already stay as they are, and a group whose owner changed since
 * has one owner's share. Whoever has no real name or usable bank card on file gets a record in
 * error; it stays so when they bring one later, for the CSV prints both states, with the card of
 * the day it is written.
 * @returns where to go on, and how many records were made; no cursor: that was the last of them
 */
export async function makeRecords(
  ctx: Ctx,
  { period, after = BEGINNING, limit }: {
    period: string;
    after: RecordCursor | undefined;
    limit: number;
  },
): Promise<{ cursor: RecordCursor | undefined; madeCount: number }> {
  const groupIds = await readGroups(ctx, { period, fromId: after.groupId, limit });
  if (groupIds.length === 0) return { cursor: undefined, madeCount: 0 };
  const sums = await readSums(ctx, { period, after, groupIds, limit });
  const madeCount = await insertRecords(ctx, period, sums);
  return { cursor: cursorAfter({ sums, groupIds, limit }), madeCount };
}

function cursorAfter(
  { sums, groupIds, limit }: { sums: Sum[]; groupIds: number[]; limit: number },
): RecordCursor | undefined {
  if (sums.length === limit) {
    const { groupId, category, userId } = sums.at(-1)!;
    return { groupId, category, userId };
  }
  // These groups are through; more may follow.
  return groupIds.length === limit ? { ...BEGINNING, groupId: groupIds.at(-1)! + 1 } : undefined;
}

/** Running groups somebody has paid for: the index is asked for one group after the other. */
async function readGroups(
  ctx: Ctx,
  { period, fromId, limit }: { period: string; fromId: number; limit: number },
): Promise<number[]> {
  const next = (isNext: SQL) =>
    sql`(select group_id from subscription_payments as payments where period = ${period}
      and ${isNext} order by group_id limit 1)`;
  const statement = sql`
    with recursive paid (group_id) as (
      ${next(sql`group_id >= ${fromId}`)}
      union all
      select ${next(sql`payments.group_id > paid.group_id`)} from paid where group_id is not null
    )
    select id from (
      select (select id from groups where id = paid.group_id
        and status = ${GroupStatus.running} and disbanded_at is null) as id from paid
    ) as running where id is not null limit ${limit}`;
  return (await rows(ctx, statement, { id: int8 })).map(({ id }) => id);
}

async function readSums(
  ctx: Ctx,
  { period, after, groupIds, limit }: {
    period: string;
    after: RecordCursor;
    groupIds: number[];
    limit: number;
  },
): Promise<Sum[]> {
  const statement = sql`
    with paid as (
      select payments.group_id, payments.inviter_id, payments.amount, groups.owner_id,
        groups.owner_rate, groups.inviter_rate
      from subscription_payments as payments join groups on groups.id = payments.group_id
      where payments.period = ${period}
        and payments.group_id = any(${listOf(groupIds, "bigint")})
    ), shares as (
      select group_id, 'Group' as category, owner_id as user_id, sum(amount) as sum,
        min(owner_rate) as rate
      from paid where owner_id is not null and not exists (
        select from profit_records as made where made.group_id = paid.group_id
          and made.period = ${period} and made.category = 'Group')
      group by group_id, owner_id
      union all
      select group_id, 'Inviter', inviter_id, sum(amount), min(inviter_rate)
      from paid where inviter_id is not null group by group_id, inviter_id
    )
    select group_id, category, user_id, sum::text, rate::text,
      ${canBePaid(sql`shares.user_id`)} as can_be_paid
    from shares
    where (group_id, category, user_id) > (${after.groupId}, ${after.category}, ${after.userId})
    order by group_id, category, user_id limit ${limit}`;
  return await rows(ctx, statement, columns);
}

/** @returns how many were not there before */
async function insertRecords(ctx: Ctx, period: string, sums: Sum[]): Promise<number> {
  const records = sums.map(({ groupId, userId, category, sum, rate, canBePaid }) => ({
    serial_id: serialIdOf({ period, groupId, category, userId }),
    group_id: groupId,
    user_id: userId,
    category,
    amount: shareOf(sum, rate),
    state: canBePaid ? "init" : "error",
    description: canBePaid ? "" : NO_ACCOUNT,
  })).filter(({ amount }) => amount !== "0");
  const now = instant(ctx.now());
  const { rows: made } = await ctx.db.execute(sql`
    insert into profit_records (serial_id, period, group_id, user_id, category, amount, state,
      description, created_at, updated_at)
    select serial_id, ${period}, group_id, user_id, category, amount, state, description, ${now},
      ${now}
    from jsonb_to_recordset(${JSON.stringify(records)}::jsonb) as made (serial_id uuid,
      group_id bigint, user_id bigint, category text, amount numeric, state text, description text)
    on conflict (serial_id) do nothing returning serial_id`);
  return made.length;
}
