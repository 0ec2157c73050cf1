import { sql } from "drizzle-orm";
import type { Ctx } from "../../client.ts";
import { GroupStatus } from "../../schema/groups.ts";
import type { ProfitCategory } from "../../schema/payouts.ts";
import { PaymentType } from "../../schema/people.ts";
import { moment } from "../moments.ts";
import { NO_ACCOUNT, serialIdOf, shareOf } from "./rules.ts";

/** The last record made: the next ones follow in the order of group, category and person. */
export interface RecordCursor {
  groupId: number;
  category: string;
  userId: number;
}

interface SumRow extends Record<string, unknown> {
  group_id: string;
  category: ProfitCategory;
  user_id: string;
  sum: string;
  rate: string;
  has_account: boolean;
}

/**
 * Works out who is to be paid what for a month: the owner of each running group a share of all its
 * payments, and each inviter one of what those they brought have paid. Records that are there
 * already stay as they are. Whoever has no real name or bank card on file gets a record in error.
 *
 * @returns where to go on, and how many records were made; no cursor: that was the last of them
 */
export async function makeRecords(
  ctx: Ctx,
  { period, after, limit }: { period: string; after: RecordCursor | undefined; limit: number },
): Promise<{ cursor: RecordCursor | undefined; madeCount: number }> {
  const sums = await readSums(ctx, { period, after, limit });
  const records = sums.map((row) => {
    const name = {
      ...{ period, category: row.category },
      ...{ groupId: Number(row.group_id), userId: Number(row.user_id) },
    };
    return {
      serial_id: serialIdOf(name),
      group_id: name.groupId,
      user_id: name.userId,
      category: row.category,
      amount: shareOf(row.sum, row.rate),
      state: row.has_account ? "init" : "error",
      description: row.has_account ? "" : NO_ACCOUNT,
    };
  }).filter(({ amount }) => amount !== "0");
  const now = moment(ctx.now());
  const { rows } = await ctx.db.execute(sql`
    insert into profit_records (serial_id, period, group_id, user_id, category, amount, state,
      description, created_at, updated_at)
    select serial_id, ${period}, group_id, user_id, category, amount, state, description, ${now},
      ${now}
    from jsonb_to_recordset(${JSON.stringify(records)}::jsonb) as made (serial_id uuid,
      group_id bigint, user_id bigint, category text, amount numeric, state text, description text)
    on conflict (serial_id) do nothing returning serial_id`);
  const last = sums.length === limit ? sums.at(-1)! : undefined;
  return {
    cursor: last && {
      groupId: Number(last.group_id),
      category: last.category,
      userId: Number(last.user_id),
    },
    madeCount: rows.length,
  };
}

async function readSums(
  ctx: Ctx,
  { period, after, limit }: { period: string; after: RecordCursor | undefined; limit: number },
): Promise<SumRow[]> {
  const from = after ?? { groupId: 0, category: "", userId: 0 };
  const { rows } = await ctx.db.execute<SumRow>(sql`
    with paid as (
      select payments.group_id, payments.inviter_id, payments.amount, groups.owner_id,
        groups.owner_rate, groups.inviter_rate
      from subscription_payments as payments join groups on groups.id = payments.group_id
      where payments.period = ${period} and payments.group_id >= ${from.groupId}
        and groups.status = ${GroupStatus.running} and groups.disbanded_at is null
    ), shares as (
      select group_id, 'Group' as category, owner_id as user_id, sum(amount) as sum,
        min(owner_rate) as rate
      from paid where owner_id is not null group by group_id, owner_id
      union all
      select group_id, 'Inviter', inviter_id, sum(amount), min(inviter_rate)
      from paid where inviter_id is not null group by group_id, inviter_id
    )
    select group_id::text, category, user_id::text, sum::text, rate::text,
      exists (select from real_names where real_names.user_id = shares.user_id)
        and exists (select from payment_methods where payment_methods.user_id = shares.user_id
          and type = ${PaymentType.bankCard} and removed_at is null) as has_account
    from shares
    where (group_id, category, user_id) > (${from.groupId}, ${from.category}, ${from.userId})
    order by group_id, category, user_id limit ${limit}`);
  return rows;
}
