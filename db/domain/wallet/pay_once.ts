import { and, eq, gt, isNull, sql } from "drizzle-orm";
import { sha256Hex } from "../../../config/keys.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import type { TransactionKind } from "../../schema/ledger.ts";
import { type PayItem, payTokens, wallets, WalletStatus } from "../../schema/wallets.ts";
import { DomainError } from "../errors.ts";
import { findOperation, type Operation } from "../ledger/post.ts";

export interface Payment {
  payToken: string;
  userId: number;
  item: PayItem;
  /** 分; the token is good for this amount alone. */
  amount: number;
  kind: TransactionKind;
  /** What else the caller asked for: a repeat has to ask for the same. */
  input: Operation["input"];
}

export interface PaymentWork<T> {
  /** Does it, in the transaction; posts the money as `operation`. */
  act(ctx: Ctx, operation: Operation): Promise<T>;
  /** Answers what `act` did answer, for a movement that was made before. */
  again(ctx: Ctx, transactionId: number): Promise<T>;
}

/** The only form in which a pay token is kept; also the key of the operation it pays for. */
export function hashPayToken(payToken: string): string {
  return sha256Hex(payToken);
}

/**
 * Spends a pay token on one payment: token, money and whatever `act` writes are one transaction.
 * The same call again, also at the same time or after a lost answer, is answered again (M5).
 * @throws {DomainError} `pay_token_invalid` (unknown, too old, or for somebody or something else),
 *   `operation_conflict` (spent on something else), `wallet_unusable`
 */
export function payOnce<T>(ctx: Ctx, payment: Payment, work: PaymentWork<T>): Promise<T> {
  const { payToken, userId, kind, amount } = payment;
  const operationKey = hashPayToken(payToken);
  const operation = { kind, userId, operationKey, input: { ...payment.input, amount } };
  return withTx(ctx, async (tx) => {
    const [spent] = await tx.db.update(payTokens).set({ usedAt: tx.now() })
      .where(
        and(
          eq(payTokens.tokenHash, operationKey),
          eq(payTokens.userId, userId),
          eq(payTokens.item, payment.item),
          eq(payTokens.amount, amount),
          gt(payTokens.expiresAt, tx.now()),
          isNull(payTokens.usedAt),
        ),
      ).returning({
        walletStatus: sql<number>`(select ${wallets.status} from ${wallets}
          where ${wallets.userId} = ${userId})`,
      });
    if (spent) {
      if (spent.walletStatus !== WalletStatus.normal) throw new DomainError("wallet_unusable");
      return await work.act(tx, operation);
    }
    // Somebody who had the token in hand first has committed by now.
    const transactionId = await findOperation(tx, operation);
    if (transactionId === undefined) throw new DomainError("pay_token_invalid");
    return await work.again(tx, transactionId);
  });
}
