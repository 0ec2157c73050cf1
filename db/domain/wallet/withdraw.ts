import { eq, sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { withdrawals } from "../../schema/ledger.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { explained, legsAs, type Operation, postedAs } from "../ledger/post.ts";
import { checkAmount } from "../ledger/rules.ts";
import { readOwnCard, readRealName } from "../payment_methods/card_reads.ts";
import { payOnce } from "./pay_once.ts";
import { checkWithdrawalAmount } from "./rules.ts";

export interface WithdrawInput {
  payToken: string;
  userId: number;
  /** 分 */
  amount: number;
  cardId: number;
  /** Empty: nobody said. */
  holderName: string;
}

/**
 * Asks for money to be paid out to a bank card: it leaves the wallet at once and is held until an
 * operator has decided. The same call again answers the same withdrawal.
 * @returns the withdrawal's number
 * @throws {DomainError} `amount_invalid`, `withdrawal_limit`, `pay_token_invalid`,
 *   `operation_conflict`, `wallet_unusable`, `real_name_missing`, `bank_card_missing`,
 *   `bank_card_holder`, `balance_insufficient`; the token stays good unless it was wrong
 */
export async function requestWithdrawal(ctx: Ctx, input: WithdrawInput): Promise<string> {
  const { payToken, userId, amount, cardId, holderName } = input;
  checkAmount(amount);
  checkWithdrawalAmount(amount);
  const payment = {
    payToken,
    userId,
    amount,
    item: "withdraw" as const,
    kind: "withdraw" as const,
    input: { cardId, holderName },
  };
  return await payOnce(ctx, payment, {
    act: (tx, operation) => hold(tx, input, operation),
    async again(tx, transactionId) {
      const [known] = await tx.db.select({ no: withdrawals.withdrawalNo }).from(withdrawals)
        .where(eq(withdrawals.transactionId, transactionId)).limit(1);
      return known!.no;
    },
  });
}

async function hold(tx: Ctx, input: WithdrawInput, operation: Operation): Promise<string> {
  const { userId, amount, cardId, holderName } = input;
  if (!await readRealName(tx, userId)) throw new DomainError("real_name_missing");
  const card = await readOwnCard(tx, { userId, cardId });
  if (!card) throw new DomainError("bank_card_missing");
  if (holderName !== "" && holderName !== card.holderName) {
    throw new DomainError("bank_card_holder");
  }
  const withdrawalNo = randomHex32();
  const posted = postedAs({
    ...operation,
    at: tx.now(),
    legs: legsAs([
      { kind: "wallet", owner: userId, amount: sql`${-amount}::bigint` },
      { kind: "withdrawal", owner: userId, amount: sql`${amount}::bigint` },
    ]),
  });
  await explained(tx.db.execute(sql`
    insert into withdrawals (withdrawal_no, user_id, payment_method_id, amount, transaction_id,
      created_at)
    select ${withdrawalNo}, ${userId}, ${cardId}, ${amount}, posted.id, ${instant(tx.now())}
    from (select ${posted} as id) as posted`));
  return withdrawalNo;
}
