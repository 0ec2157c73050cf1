import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { randomHex32 } from "../../config/keys.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { auditLedger } from "../../db/domain/ledger/audit.ts";
import { post } from "../../db/domain/ledger/post.ts";
import { hashPayToken } from "../../db/domain/wallet/pay_once.ts";
import type { AccountKind } from "../../db/schema/ledger.ts";
import { type PayItem, payTokens, wallets } from "../../db/schema/wallets.ts";

/** How long a token of these tests is good, ms. */
const TOKEN_LIFE_MS = 5 * 60 * 1000;

interface Owner {
  userId: number;
}

/** Gives somebody money, 分, as if they had paid it in. */
export async function giveMoney(
  ctx: Ctx,
  { userId }: Owner,
  amount: number,
): Promise<void> {
  await post(ctx, {
    kind: "recharge",
    userId,
    operationKey: randomHex32(),
    input: {},
    legs: [
      { kind: "recharge", owner: userId, amount: -amount },
      { kind: "wallet", owner: userId, amount },
    ],
  });
}

/** A pay token as a right pay password would have earned it. */
export async function issuePayToken(
  ctx: Ctx,
  { userId }: Owner,
  { item, amount }: { item: PayItem; amount: number },
): Promise<string> {
  const payToken = randomHex32();
  const now = ctx.now();
  await ctx.db.insert(wallets).values({ userId, createdAt: now }).onConflictDoNothing();
  await ctx.db.insert(payTokens).values({
    tokenHash: hashPayToken(payToken),
    userId,
    item,
    amount,
    expiresAt: new Date(now.getTime() + TOKEN_LIFE_MS),
  });
  return payToken;
}

/** What an account holds, 分; one that was never needed holds nothing. */
export async function balanceOf(
  { db }: Pick<Ctx, "db">,
  kind: AccountKind,
  ownerId: number,
): Promise<number> {
  const { rows: [row] } = await db.execute<{ balance: string }>(sql`
    select balance from accounts where kind = ${kind} and owner_id = ${ownerId}`);
  return Number(row?.balance ?? 0);
}

export const walletOf = (ctx: Pick<Ctx, "db">, { userId }: Owner) =>
  balanceOf(ctx, "wallet", userId);

/** All the invariants of the books, and that these people have so much together, 分. */
export async function assertBooks(
  { db }: Pick<Ctx, "db">,
  { people, sum }: { people: Owner[]; sum: number },
): Promise<void> {
  const broken = (await auditLedger({ db })).filter(({ violations }) => violations > 0);
  assert.deepEqual(broken, []);
  const userIds = sql.param(`{${people.map(({ userId }) => userId).join(",")}}`);
  const { rows: [row] } = await db.execute<{ sum: string }>(sql`
    select coalesce(sum(balance), 0)::text as sum from accounts
    where kind = 'wallet' and owner_id = any(${userIds}::bigint[])`);
  assert.equal(Number(row!.sum), sum);
}
