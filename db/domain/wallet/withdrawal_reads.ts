import { desc, eq } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { withdrawals, type WithdrawalState } from "../../schema/ledger.ts";
import { paymentMethods } from "../../schema/people.ts";
import { users } from "../../schema/users.ts";
import { DomainError } from "../errors.ts";
import { countedPage } from "../paging/counted_page.ts";
import { maskCard } from "../payment_methods/card_rules.ts";
import { WITHDRAWALS_COUNTED_MAX } from "./rules.ts";

/** A withdrawal as operators see it: enough to pay it, and no more of the card than its owner. */
export interface Withdrawal {
  no: string;
  uid: string;
  /** The card's holder. */
  name: string;
  /** 分 */
  amount: number;
  state: WithdrawalState;
  reason: string;
  bank: string;
  maskedCard: string;
  createdAt: Date;
  decidedAt: Date | null;
  operatorId: number | null;
}

const columns = {
  no: withdrawals.withdrawalNo,
  uid: users.uid,
  name: paymentMethods.name,
  amount: withdrawals.amount,
  state: withdrawals.state,
  reason: withdrawals.reason,
  bank: paymentMethods.extra0,
  last4: paymentMethods.accountLast4,
  createdAt: withdrawals.createdAt,
  decidedAt: withdrawals.decidedAt,
  operatorId: withdrawals.operatorId,
};

function shown({ last4, ...row }: Omit<Withdrawal, "maskedCard"> & { last4: string }): Withdrawal {
  return { ...row, maskedCard: maskCard(last4) };
}

/** @throws {DomainError} `withdrawal_missing` */
export async function readWithdrawal(ctx: Ctx, withdrawalNo: string): Promise<Withdrawal> {
  const [row] = await ctx.db.select(columns).from(withdrawals)
    .innerJoin(users, eq(users.id, withdrawals.userId))
    // A card that was removed since is still the one that was asked for.
    .innerJoin(paymentMethods, eq(paymentMethods.id, withdrawals.paymentMethodId))
    .where(eq(withdrawals.withdrawalNo, withdrawalNo)).limit(1);
  if (!row) throw new DomainError("withdrawal_missing");
  return shown(row);
}

export interface WithdrawalsPage {
  /** Absent: whatever their state. */
  state: WithdrawalState | undefined;
  start: number;
  limit: number;
}

export async function listWithdrawals(
  ctx: Ctx,
  { state, start, limit }: WithdrawalsPage,
): Promise<{ total: number; items: Withdrawal[] }> {
  const isListed = state === undefined ? undefined : eq(withdrawals.state, state);
  const { total, items } = await countedPage(ctx, {
    of: withdrawals,
    where: isListed,
    countMax: WITHDRAWALS_COUNTED_MAX,
    page: ctx.db.select({ ...columns, id: withdrawals.id }).from(withdrawals)
      .innerJoin(users, eq(users.id, withdrawals.userId))
      .innerJoin(paymentMethods, eq(paymentMethods.id, withdrawals.paymentMethodId))
      .where(isListed).orderBy(desc(withdrawals.id)).limit(limit).offset(start),
    by: ["id"],
  });
  return { total, items: items.map(({ id: _id, ...withdrawal }) => shown(withdrawal)) };
}
