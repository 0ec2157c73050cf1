import { and, eq, sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { recharges } from "../../schema/ledger.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { explained, legsAs, postedAs } from "../ledger/post.ts";
import { checkAmount } from "../ledger/rules.ts";
import type { RechargeChannelType } from "./rules.ts";

export interface RechargeInput {
  userId: number;
  /** 分 */
  amount: number;
  channelType: RechargeChannelType;
  /** Nobody has paid and nobody shall: for trying things out. */
  isCreditedAtOnce: boolean;
  operationKey: string | undefined;
}

/**
 * Notes that somebody pays in. The money is there once an operator has seen it, or at once. A wallet
 * that may not pay may receive.
 * @returns the recharge's number
 * @throws {DomainError} `amount_invalid`, `operation_conflict` when the key named another recharge
 */
export async function createRecharge(ctx: Ctx, input: RechargeInput): Promise<string> {
  checkAmount(input.amount);
  return await explained(insertRecharge(ctx, input)) ?? await readRepeated(ctx, input);
}

/** Undefined when the key has named a recharge before. */
async function insertRecharge(
  ctx: Ctx,
  { userId, amount, channelType, isCreditedAtOnce, operationKey = null }:
    & { operationKey?: string | null }
    & Omit<
      RechargeInput,
      "operationKey"
    >,
): Promise<string | undefined> {
  const at = ctx.now();
  const now = instant(at);
  const posted = rechargePostedAs({
    userId: sql`recharge.user_id`,
    amount: sql`recharge.amount`,
    rechargeNo: sql`recharge.recharge_no`,
    at,
  });
  const { rows } = await ctx.db.execute<{ recharge_no: string }>(sql`
    with recharge as (
      insert into recharges (recharge_no, user_id, amount, channel_type, state, created_at,
        credited_at, operation_key)
      values (${randomHex32()}, ${userId}, ${amount}, ${channelType},
        ${isCreditedAtOnce ? "credited" : "pending"}, ${now}, ${
    isCreditedAtOnce ? now : null
  }, ${operationKey})
      on conflict (user_id, operation_key) do nothing
      returning *
    )
    select recharge_no, ${isCreditedAtOnce ? posted : null} as posted from recharge`);
  return rows[0]?.recharge_no;
}

async function readRepeated(
  ctx: Ctx,
  { userId, amount, channelType, operationKey }: RechargeInput,
): Promise<string> {
  const [known] = await ctx.db.select().from(recharges)
    .where(and(eq(recharges.userId, userId), eq(recharges.operationKey, operationKey!))).limit(1);
  if (known?.amount !== amount || known.channelType !== channelType) {
    throw new DomainError("operation_conflict");
  }
  return known.rechargeNo;
}

type Part = ReturnType<typeof sql>;

/** The movement of a recharge's money, of which there is one whoever starts it. */
export function rechargePostedAs(
  { userId, amount, rechargeNo, at }: { userId: Part; amount: Part; rechargeNo: Part; at: Date },
): Part {
  return postedAs({
    kind: "recharge",
    userId,
    operationKey: rechargeNo,
    input: {},
    at,
    legs: legsAs([
      { kind: "recharge", owner: userId, amount: sql`-${amount}` },
      { kind: "wallet", owner: userId, amount },
    ]),
  });
}
