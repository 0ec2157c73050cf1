import { type SQL, sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import { holdMonthsOpen } from "./close_month.ts";
import { periodAfter, periodOf, PROFIT_JOB } from "./months.ts";
import { decimalOf, unitsOf } from "./rules.ts";
import { scopeOf } from "./scope.ts";

/** How far ahead of ours a payer's clock may be, ms. */
const CLOCK_AHEAD_MS = 24 * 60 * 60 * 1000;

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
 * Enters what people have paid for a group, at most `PAYMENTS_COUNT_MAX`: callers have checked that.
 * A payment told before changes nothing. One that comes after its month was closed counts for the
 * month after the newest closed one, so that nobody's share is lost; a month nobody has closed takes
 * its payments however old it is. Who brought the payer is as told, else as their membership says.
 * @throws {DomainError} `operator_no_right` for a key of other groups, `group_missing`,
 *   `user_missing` (nothing is entered), `operation_conflict` when a known `traceId` comes with
 *   another content, `params_invalid` for a payment from the future
 */
export function recordPayments(
  ctx: Ctx,
  { actor, groupId, payments }: { actor: OpsActor; groupId: number; payments: Payment[] },
): Promise<{ acceptedCount: number; duplicateCount: number }> {
  scopeOf(actor, groupId);
  const distinct = distinctPayments(payments);
  const latest = ctx.now().getTime() + CLOCK_AHEAD_MS;
  if (distinct.some(({ paidAt }) => paidAt.getTime() > latest)) {
    throw new DomainError("params_invalid", {
      message: "付款时间不能晚于现在",
      english: "paid_at must not lie ahead",
    });
  }
  return withTx(ctx, async (tx) => {
    await holdMonthsOpen(tx);
    const closed = await readClosedMonths(tx, groupId);
    const given = JSON.stringify(
      distinct.map(({ traceId, uid, inviterUid, amount, paidAt }) => ({
        trace_id: traceId,
        uid,
        inviter_uid: inviterUid ?? null,
        amount,
        paid_at: paidAt.toISOString(),
        period: openPeriodFor(periodOf(paidAt), closed),
      })),
    );
    const entered = await enter(tx, groupId, given);
    // Also what another call has entered while this one waited for it.
    if (entered.length < distinct.length) await refuseOtherContent(tx, groupId, given);
    if (entered.length > 0) {
      const units = entered.reduce((sum, amount) => sum + unitsOf(amount), 0n);
      await recordAction(tx, {
        actor,
        action: "payments.record",
        target: `group:${groupId}`,
        before: null,
        after: { accepted: entered.length, amount: decimalOf(units) },
      });
    }
    const acceptedCount = entered.length;
    return { acceptedCount, duplicateCount: payments.length - acceptedCount };
  });
}

/** One of each, in the order of their ids, in which calls at once wait for each other. */
function distinctPayments(payments: Payment[]): Payment[] {
  const byId = new Map<string, Payment>();
  for (const payment of payments) {
    const known = byId.get(payment.traceId) ?? payment;
    if (contentOf(known) !== contentOf(payment)) throw new DomainError("operation_conflict");
    byId.set(payment.traceId, payment);
  }
  return [...byId.values()].sort((a, b) => a.traceId < b.traceId ? -1 : 1);
}

function contentOf({ uid, inviterUid, amount, paidAt }: Payment): string {
  return JSON.stringify([uid, inviterUid ?? null, decimalOf(unitsOf(amount)), paidAt]);
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

function named(groupId: number, given: string): SQL {
  return sql`named as materialized (
    select given.*, payer.id as user_id, inviter.id as told_inviter_id, coalesce(inviter.id,
        case when given.inviter_uid is null then member.inviter_id end) as inviter_id,
      payer.id is null or (given.inviter_uid is not null and inviter.id is null) as is_stranger
    from jsonb_to_recordset(${given}::jsonb) as given (trace_id text, uid text, inviter_uid text,
      amount numeric, paid_at timestamptz, period text)
    left join users as payer on payer.uid = given.uid and payer.app_id = ${HOUSE_APP_ID}
    left join users as inviter on inviter.uid = given.inviter_uid
      and inviter.app_id = ${HOUSE_APP_ID}
    left join group_members as member on member.group_id = ${groupId}
      and member.user_id = payer.id
  )`;
}

/** @returns the amounts of those that are new; one stranger, and nothing is entered */
async function enter(ctx: Ctx, groupId: number, given: string): Promise<string[]> {
  const { rows: [row] } = await ctx.db.execute<{ strangers: number; amounts: string[] }>(sql`
    with ${named(groupId, given)}, entered as (
      insert into subscription_payments (trace_id, group_id, user_id, inviter_id, amount, paid_at,
        period, created_at)
      select trace_id, ${groupId}, user_id, inviter_id, amount, paid_at, period,
        ${instant(ctx.now())}
      from named where not exists (select from named where is_stranger) order by trace_id
      on conflict (trace_id) do nothing returning amount
    )
    select (select count(*)::int from named where is_stranger) as strangers,
      array(select amount::text from entered) as amounts`);
  if (row!.strangers > 0) throw new DomainError("user_missing");
  return row!.amounts;
}

/** @throws {DomainError} `operation_conflict` */
async function refuseOtherContent(ctx: Ctx, groupId: number, given: string): Promise<void> {
  const { rows } = await ctx.db.execute(sql`
    with ${named(groupId, given)}
    select from named join subscription_payments as known using (trace_id)
    where known.group_id <> ${groupId} or known.user_id <> named.user_id
      or known.amount <> named.amount or known.paid_at <> named.paid_at
      or (named.told_inviter_id is not null
        and known.inviter_id is distinct from named.told_inviter_id)
    limit 1`);
  if (rows.length > 0) throw new DomainError("operation_conflict");
}
