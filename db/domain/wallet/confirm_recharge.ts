import { and, eq, sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { recharges } from "../../schema/ledger.ts";
import { users } from "../../schema/users.ts";
import { DomainError } from "../errors.ts";
import { operatorIdOf, type OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import { postAndTell } from "./post_and_tell.ts";
import { rechargePostedAs } from "./recharge.ts";

export interface Recharge {
  no: string;
  uid: string;
  name: string;
  /** 分 */
  amount: number;
  state: (typeof recharges.$inferSelect)["state"];
  channelType: number;
  createdAt: Date;
  creditedAt: Date | null;
  operatorId: number | null;
}

/**
 * Credits a recharge whose money an operator has seen arrive, of which the system account tells whose
 * it is: once, however often and by however many it is confirmed (M7).
 * @throws {DomainError} `recharge_missing`
 */
export function confirmRecharge(
  ctx: Ctx,
  { rechargeNo, actor }: { rechargeNo: string; actor: OpsActor },
): Promise<Recharge> {
  return withTx(ctx, async (tx) => {
    const [credited] = await tx.db.update(recharges)
      .set({ state: "credited", creditedAt: tx.now(), operatorId: operatorIdOf(actor) })
      .where(and(eq(recharges.rechargeNo, rechargeNo), eq(recharges.state, "pending")))
      .returning();
    if (credited) {
      const { userId, amount } = credited;
      const posted = rechargePostedAs({
        userId: sql`${userId}::bigint`,
        amount: sql`${amount}::bigint`,
        rechargeNo: sql`${rechargeNo}`,
        at: tx.now(),
      });
      const news = { event: "recharge_confirmed", no: rechargeNo, amount } as const;
      await postAndTell(tx, { posted, userId, news });
      await recordAction(tx, {
        actor,
        action: "recharges.confirm",
        target: `recharge:${rechargeNo}`,
        before: { state: "pending" },
        after: { state: "credited", amount },
      });
    }
    return await readRecharge(tx, rechargeNo);
  });
}

async function readRecharge(ctx: Ctx, rechargeNo: string): Promise<Recharge> {
  const [recharge] = await ctx.db
    .select({
      no: recharges.rechargeNo,
      uid: users.uid,
      name: users.nickname,
      amount: recharges.amount,
      state: recharges.state,
      channelType: recharges.channelType,
      createdAt: recharges.createdAt,
      creditedAt: recharges.creditedAt,
      operatorId: recharges.operatorId,
    })
    .from(recharges).innerJoin(users, eq(users.id, recharges.userId))
    .where(eq(recharges.rechargeNo, rechargeNo)).limit(1);
  if (!recharge) throw new DomainError("recharge_missing");
  return recharge;
}
