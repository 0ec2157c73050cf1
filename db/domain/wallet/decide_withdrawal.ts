import { and, eq } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { withdrawals, type WithdrawalState } from "../../schema/ledger.ts";
import { DomainError } from "../errors.ts";
import { type Posting, postingAs } from "../ledger/post.ts";
import { operatorIdOf, type OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import { postAndTell } from "./post_and_tell.ts";
import { readWithdrawal, type Withdrawal } from "./withdrawal_reads.ts";

export interface Decision {
  withdrawalNo: string;
  state: Exclude<WithdrawalState, "pending">;
  reason: string;
  actor: OpsActor;
}

/**
 * Decides what becomes of money that is held: it has been paid out, or goes back to the wallet; whose
 * it is is told by the system account.
 * Once, also when two operators do it at the same time; the same decision again answers what was
 * decided first (M7).
 * @throws {DomainError} `withdrawal_missing`, `withdrawal_decided` the other way
 */
export function decideWithdrawal(ctx: Ctx, decision: Decision): Promise<Withdrawal> {
  const { withdrawalNo, state, reason, actor } = decision;
  return withTx(ctx, async (tx) => {
    const [decided] = await tx.db.update(withdrawals)
      .set({ state, reason, decidedAt: tx.now(), operatorId: operatorIdOf(actor) })
      .where(and(eq(withdrawals.withdrawalNo, withdrawalNo), eq(withdrawals.state, "pending")))
      .returning();
    if (decided) {
      await moveHeld(tx, decided);
      await recordAction(tx, {
        actor,
        action: state === "paid" ? "withdrawals.confirm" : "withdrawals.reject",
        target: `withdrawal:${withdrawalNo}`,
        before: { state: "pending" },
        after: { state, reason, amount: decided.amount },
      });
    }
    const withdrawal = await readWithdrawal(tx, withdrawalNo);
    if (withdrawal.state !== state) throw new DomainError("withdrawal_decided");
    return withdrawal;
  });
}

async function moveHeld(tx: Ctx, decided: typeof withdrawals.$inferSelect): Promise<void> {
  const { userId, amount, withdrawalNo: operationKey, transactionId, reason: remark } = decided;
  const held = { kind: "withdrawal", owner: userId, amount: -amount } as const;
  const operation = { userId, operationKey, input: {} };
  const news = { no: operationKey, amount };
  if (decided.state === "paid") {
    const payout = { kind: "payout", owner: userId, amount } as const;
    await postAndTell(tx, {
      posted: postingAs({ ...operation, kind: "withdraw_paid", legs: [held, payout] }, tx.now()),
      userId,
      news: { event: "withdrawal_paid", ...news },
    });
    return;
  }
  const posting: Posting = {
    ...operation,
    kind: "withdraw_rejected",
    remark,
    reversesId: transactionId,
    legs: [held, { kind: "wallet", owner: userId, amount }],
  };
  await postAndTell(tx, {
    posted: postingAs(posting, tx.now()),
    userId,
    news: { event: "withdrawal_rejected", reason: remark, ...news },
  });
}
