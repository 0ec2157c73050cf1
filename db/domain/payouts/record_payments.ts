import { type SQL, sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { DomainError } from "../errors.ts";
import { moment } from "../moments.ts";
import { holdMonthsOpen } from "./close_month.ts";
import { periodAfter, periodOf, PROFIT_JOB } from "./months.ts";

/** Most payments of one call. */
export const PAYMENTS_COUNT_MAX = 1_000;

export interface Payment {
  traceId: string;
  /** Who paid, and who brought them: 32 hex digits. */
  uid: string;
  inviterUid: string | undefined;
  /** CNY, a decimal string of at most four places, more than none. */
  amount: string;
  paidAt: Date;
}

/**
 * Enters what people have paid for a group; a payment told before changes nothing. One that comes
 * after its month was closed counts for the next open one, so that nobody's share is lost.
 *
 * @throws {DomainError} `group_missing`, `user_missing` (nothing is entered), `operation_conflict`
 *   when a known `traceId` comes with another amount, person or group
 */
export function recordPayments(
  ctx: Ctx,
  { groupId, payments }: { groupId: number; payments: Payment[] },
): Promise<{ acceptedCount: number; duplicateCount: number }> {
  return withTx(ctx, async (tx) => {
    await holdMonthsOpen(tx);
    const closed = await readClosedMonths(tx, groupId);
    const given = payments.map(({ traceId, uid, inviterUid, amount, paidAt }) => ({
      ...{ trace_id: traceId, uid, inviter_uid: inviterUid ?? null, amount },
      ...{ paid_at: paidAt.toISOString(), period: openPeriodFor(periodOf(paidAt), closed) },
    }));
    const acceptedCount = await enter(tx, groupId, JSON.stringify(given));
    return { acceptedCount, duplicateCount: payments.length - acceptedCount };
  });
}

/** @throws {DomainError} `group_missing` */
async function readClosedMonths(ctx: Ctx, groupId: number): Promise<string[]> {
  const { rows } = await ctx.db.execute<{ periods: string[] }>(sql`
    select array(select period from job_runs where job = ${PROFIT_JOB} order by period) as periods
    from groups where id = ${groupId} and app_id = ${HOUSE_APP_ID} and disbanded_at is null`);
  if (!rows[0]) throw new DomainError("group_missing");
  return rows[0].periods;
}

function openPeriodFor(period: string, closed: string[]): string {
  return closed.includes(period) ? periodAfter(closed.at(-1)!) : period;
}

interface EnteredRow extends Record<string, unknown> {
  strangers: number;
  conflicts: number;
  accepted: number;
}

async function enter(ctx: Ctx, groupId: number, given: string): Promise<number> {
  const { rows } = await ctx.db.execute<EnteredRow>(sql`
    with given as (
      select distinct on (trace_id) * from jsonb_to_recordset(${given}::jsonb) as given (
        trace_id text, uid text, inviter_uid text, amount numeric, paid_at timestamptz, period text)
      order by trace_id
    ), named as (
      select given.*, payer.id as user_id,
        coalesce(inviter.id, case when given.inviter_uid is null then member.inviter_id end)
          as inviter_id,
        payer.id is null or (given.inviter_uid is not null and inviter.id is null) as is_stranger
      from given
      left join users as payer on payer.uid = given.uid and payer.app_id = ${HOUSE_APP_ID}
      left join users as inviter on inviter.uid = given.inviter_uid
        and inviter.app_id = ${HOUSE_APP_ID}
      left join group_members as member on member.group_id = ${groupId}
        and member.user_id = payer.id
    ), known as (
      select count(*) as count, count(*) filter (where payments.amount <> named.amount
        or payments.user_id <> named.user_id or payments.group_id <> ${groupId}) as conflicts
      from named join subscription_payments as payments using (trace_id)
    ), entered as (
      insert into subscription_payments (trace_id, group_id, user_id, inviter_id, amount, paid_at,
        period, created_at)
      select trace_id, ${groupId}, user_id, inviter_id, amount, paid_at, period,
        ${moment(ctx.now())}
      from named where ${nothingWrong()} order by trace_id
      on conflict (trace_id) do nothing returning trace_id
    )
    select (select count(*)::int from named where is_stranger) as strangers,
      (select conflicts::int from known) as conflicts,
      (select count(*)::int from entered) as accepted`);
  const row = rows[0]!;
  if (row.strangers > 0) throw new DomainError("user_missing");
  if (row.conflicts > 0) throw new DomainError("operation_conflict");
  return row.accepted;
}

/** All of the call or nothing. */
function nothingWrong(): SQL {
  return sql`not exists (select from named where is_stranger)
    and not exists (select from known where conflicts > 0)`;
}
