import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { type PayItem, WalletStatus } from "../../schema/wallets.ts";
import { bool, instant, int4, maybe, type Row, type Terms } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { findOperation, type Operation } from "../ledger/post.ts";

/** The values of a statement that spends a pay token. */
export interface SpendValues {
  tokenHash: string;
  payerId: number;
  /** 分; the token is good for this amount alone. */
  amount: number;
  /** ISO 8601. */
  at: string;
}

/** In {@link spending}: the token is good, and its wallet may pay. */
export const canPay = sql`pay_token.wallet_status = ${WalletStatus.normal}`;

/**
 * Spends a pay token in the statement it pays for, as `name as (…), name as (…)`. `pay_token` is there
 * when the token is good; `spent` has the rows of `ready` once it is spent, and none when somebody
 * was faster. Whatever is refused is to be refused in `ready`: behind it only an error gives the token
 * back.
 *
 * @param ready a query of one row, or none when there is something against it; it asks {@link canPay}
 *   of `pay_token`
 */
export function spending(
  item: PayItem,
  { tokenHash, payerId, amount, at }: Terms<SpendValues>,
  ready: SQL,
): SQL {
  const isGood = sql`token_hash = ${tokenHash} and user_id = ${payerId} and item = ${item}
    and amount = ${amount} and expires_at > ${instant(at)} and used_at is null`;
  return sql`pay_token as materialized (
      select (select status from wallets where user_id = ${payerId}) as wallet_status
      from pay_tokens where ${isGood}
    ), ready as materialized (
      ${ready}
    ), spent as (
      update pay_tokens set used_at = ${instant(at)} from ready where ${isGood}
      returning ready.*
    )`;
}

/** What such a statement answers besides. */
export const spendColumns = sql`exists (select from spent) as is_spent,
  exists (select from pay_token) as has_token,
  (select wallet_status from pay_token) as wallet_status`;
export const SPEND_COLUMNS = { isSpent: bool, hasToken: bool, walletStatus: maybe(int4) };

/**
 * What it means that a token was not spent.
 * @returns the movement when the same call has been made before: it is to be answered again (M5);
 *   undefined when the caller has something against it
 * @throws {DomainError} `pay_token_invalid` (unknown, too old, or for somebody or something else),
 *   `operation_conflict` (spent on something else), `wallet_unusable`
 */
export async function findSpent(
  ctx: Ctx,
  operation: Operation,
  { hasToken, walletStatus }: Row<typeof SPEND_COLUMNS>,
): Promise<number | undefined> {
  // Somebody who had the token in hand first has committed by now.
  const transactionId = await findOperation(ctx, operation);
  if (transactionId !== undefined) return transactionId;
  if (!hasToken) throw new DomainError("pay_token_invalid");
  if (walletStatus !== WalletStatus.normal) throw new DomainError("wallet_unusable");
  return undefined;
}
