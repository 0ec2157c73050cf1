import { eq, sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { type PayItem, wallets, WalletStatus } from "../../schema/wallets.ts";
import { bool, instant, rows, text } from "../../sql.ts";
import { isPassword } from "../chat_accounts/password.ts";
import { DomainError } from "../errors.ts";
import { checkAmount } from "../ledger/rules.ts";
import { hashPayToken } from "./pay_once.ts";
import { checkPayPassword, PAY_LOCK_MS, PAY_TOKEN_LIFE_MS, PAY_TRY_COUNT_MAX } from "./rules.ts";

export interface PayTokenInput {
  userId: number;
  /** 分 */
  amount: number;
  item: PayItem;
  password: string;
}

/**
 * Gives a token good for one payment of this amount for whoever knows the pay password. A try is
 * claimed before the password is looked at, so however many guesses come at once, five are
 * compared until one was right or the lock is over. Only the token's hash is kept.
 * @returns 32 hex digits
 * @throws {DomainError} `amount_invalid`, `pay_password_invalid`, `pay_password_unset`,
 *   `pay_password_wrong`, `pay_password_locked`, `wallet_unusable`, `balance_insufficient`,
 *   `service_unavailable` when too many passwords are being hashed
 */
export async function issuePayToken(ctx: Ctx, input: PayTokenInput): Promise<string> {
  const { userId, amount, password } = input;
  checkAmount(amount);
  checkPayPassword(password);
  const hash = await claimTry(ctx, userId);
  if (!await isPassword(password, hash, { userId })) throw new DomainError("pay_password_wrong");
  return await keepToken(ctx, input, hash);
}

/** One of the tries that are left; the last locks the wallet before anybody knows how it ends. */
async function claimTry(ctx: Ctx, userId: number): Promise<string> {
  const at = ctx.now();
  const now = instant(at);
  const lockedUntil = instant(new Date(at.getTime() + PAY_LOCK_MS));
  const tryCount = sql`case when pay_locked_until <= ${now} then 1 else pay_try_count + 1 end`;
  const statement = sql`
    update wallets set pay_try_count = ${tryCount},
      pay_locked_until = case when ${tryCount} >= ${PAY_TRY_COUNT_MAX} then ${lockedUntil} end
    where user_id = ${userId} and pay_password_hash is not null and status = ${WalletStatus.normal}
      and (pay_locked_until is null or pay_locked_until <= ${now})
    returning pay_password_hash as hash`;
  const [wallet] = await rows(ctx, statement, { hash: text });
  if (!wallet) throw await whyNoTry(ctx, userId);
  return wallet.hash;
}

async function whyNoTry(ctx: Ctx, userId: number): Promise<DomainError> {
  const [wallet] = await ctx.db.select().from(wallets).where(eq(wallets.userId, userId)).limit(1);
  if (wallet && wallet.status !== WalletStatus.normal) return new DomainError("wallet_unusable");
  if (!wallet?.payPasswordHash) return new DomainError("pay_password_unset");
  const leftMs = (wallet.payLockedUntil?.getTime() ?? 0) - ctx.now().getTime();
  // A lock that has ended in between is as good as one that ends now.
  return new DomainError("pay_password_locked", {
    retryAfterSeconds: Math.max(1, Math.ceil(leftMs / 1000)),
  });
}

/** Forgets the tries and keeps a token, unless the password has been changed meanwhile. */
async function keepToken(
  ctx: Ctx,
  { userId, amount, item }: PayTokenInput,
  hash: string,
): Promise<string> {
  const payToken = randomHex32();
  const expiresAt = new Date(ctx.now().getTime() + PAY_TOKEN_LIFE_MS);
  const statement = sql`
    with wallet as (
      update wallets set pay_try_count = 0, pay_locked_until = null
      where user_id = ${userId} and pay_password_hash = ${hash}
      returning user_id
    ), token as (
      insert into pay_tokens (token_hash, user_id, item, amount, expires_at)
      select ${hashPayToken(payToken)}, user_id, ${item}, ${amount}, ${instant(expiresAt)}
      from wallet
      where exists (select from accounts where kind = 'wallet' and owner_id = ${userId}
        and balance >= ${amount})
      returning user_id
    )
    select exists (select from wallet) as is_right, exists (select from token) as is_kept`;
  const [found] = await rows(ctx, statement, { isRight: bool, isKept: bool });
  if (!found!.isRight) throw new DomainError("pay_password_wrong");
  if (!found!.isKept) throw new DomainError("balance_insufficient");
  return payToken;
}
