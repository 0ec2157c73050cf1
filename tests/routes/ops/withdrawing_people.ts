import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../../db/client/ctx.ts";
import { requestWithdrawal } from "../../../db/domain/wallet/withdraw.ts";
import { paymentMethods, PaymentType, realNames } from "../../../db/schema/people.ts";
import { makeUser } from "../../people/factories.ts";
import { giveMoney, issuePayToken } from "../../people/money.ts";

export interface Payee {
  userId: number;
  uid: string;
  cardId: number;
}

/** Somebody with a real name, a bank card ending in 1234, and money; what is sealed is not read. */
export async function makePayee(ctx: Ctx, amount = 10_000): Promise<Payee> {
  const { id: userId, uid } = await makeUser(ctx);
  const createdAt = ctx.now();
  await ctx.db.insert(realNames).values({
    userId,
    name: "徐辉",
    idType: "idcard",
    idNoSealed: "",
    idNoIndex: "",
    createdAt,
  });
  const [card] = await ctx.db.insert(paymentMethods).values({
    userId,
    type: PaymentType.bankCard,
    name: "徐辉",
    extra0: "招商银行",
    bankCode: "CMB",
    accountSealed: "",
    accountIndex: randomHex32(),
    accountLast4: "1234",
    createdAt,
  }).returning();
  await giveMoney(ctx, { userId }, amount);
  return { userId, uid, cardId: card!.id };
}

/** A withdrawal of so much that waits to be decided; its number. */
export async function askForWithdrawal(
  ctx: Ctx,
  { userId, cardId }: Payee,
  amount = 300,
): Promise<string> {
  const payToken = await issuePayToken(ctx, { userId }, { item: "withdraw", amount });
  return await requestWithdrawal(ctx, { payToken, userId, amount, cardId, holderName: "" });
}
