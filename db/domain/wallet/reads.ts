import { and, desc, eq, gt, lte, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { accounts, entries, type TransactionKind, transactions } from "../../schema/ledger.ts";
import { WalletStatus } from "../../schema/wallets.ts";
import { bool, instant, int4, int8, rows } from "../../sql.ts";

export interface Wallet {
  /** 分 */
  balance: number;
  /** `status` of GET /wallet/my. */
  status: number;
  hasPassword: boolean;
}

/** A person's wallet, made when first looked at, in the same statement. */
export async function readWallet(ctx: Ctx, userId: number): Promise<Wallet> {
  const statement = sql`
    with made as (
      insert into wallets (user_id, created_at)
      select ${userId}, ${instant(ctx.now())}
      where not exists (select from wallets where user_id = ${userId})
      on conflict do nothing
    )
    select coalesce(balance, 0) as balance, coalesce(status, ${WalletStatus.normal}) as status,
      pay_password_hash is not null as has_password
    from (select 1) as one
    left join wallets on wallets.user_id = ${userId}
    left join accounts on accounts.kind = 'wallet' and accounts.owner_id = ${userId}`;
  const [wallet] = await rows(ctx, statement, { balance: int8, status: int4, hasPassword: bool });
  return wallet!;
}

/** 分 in a person's wallet. */
export async function readBalance(ctx: Ctx, userId: number): Promise<number> {
  const [account] = await ctx.db.select({ balance: accounts.balance }).from(accounts)
    .where(and(eq(accounts.kind, "wallet"), eq(accounts.ownerId, userId))).limit(1);
  return account?.balance ?? 0;
}

export interface WalletRecord {
  id: number;
  kind: TransactionKind;
  /** 分; negative: out. */
  amount: number;
  /** 分 in the wallet afterwards. */
  balance: number;
  remark: string;
  createdAt: Date;
}

/**
 * One page of a wallet's movements, newest first. The contract counts pages; entries are numbered
 * without gaps, so a page is a range of numbers and the last costs what the first does.
 */
export async function listWalletRecords(
  ctx: Ctx,
  { userId, pageIndex, pageSize }: { userId: number; pageIndex: number; pageSize: number },
): Promise<WalletRecord[]> {
  const skipped = (pageIndex - 1) * pageSize;
  return await ctx.db
    .select({
      id: entries.id,
      kind: transactions.kind,
      amount: entries.amount,
      balance: entries.balanceAfter,
      remark: transactions.remark,
      createdAt: transactions.createdAt,
    })
    .from(accounts)
    .innerJoin(
      entries,
      and(
        eq(entries.accountId, accounts.id),
        lte(entries.accountVersion, sql`${accounts.version} - ${skipped}::bigint`),
        gt(entries.accountVersion, sql`${accounts.version} - ${skipped + pageSize}::bigint`),
      ),
    )
    .innerJoin(transactions, eq(transactions.id, entries.transactionId))
    .where(and(eq(accounts.kind, "wallet"), eq(accounts.ownerId, userId)))
    .orderBy(desc(entries.accountVersion))
    .limit(pageSize);
}
