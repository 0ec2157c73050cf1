import { and, asc, eq, isNull } from "drizzle-orm";
import { unseal } from "../../../config/runtime/sealed.ts";
import type { Ctx } from "../../client/ctx.ts";
import { paymentMethods, PaymentType, realNames } from "../../schema/people.ts";
import { CARD_COUNT_MAX, maskCard, maskIdNo } from "./card_rules.ts";

export interface BankCard {
  id: number;
  maskedNumber: string;
  bankCode: string;
  bankName: string;
  /** `DC`, `CC`, or empty when nobody said. */
  cardType: string;
}

export interface OwnCard {
  id: number;
  holderName: string;
  bankCode: string;
  last4: string;
}

const isOwn = (userId: number) =>
  and(
    eq(paymentMethods.userId, userId),
    eq(paymentMethods.type, PaymentType.bankCard),
    isNull(paymentMethods.removedAt),
  );

export async function listCards(ctx: Ctx, { userId }: { userId: number }): Promise<BankCard[]> {
  const cards = await ctx.db.select({
    id: paymentMethods.id,
    last4: paymentMethods.accountLast4,
    bankCode: paymentMethods.bankCode,
    bankName: paymentMethods.extra0,
    cardType: paymentMethods.cardType,
  }).from(paymentMethods).where(isOwn(userId))
    .orderBy(asc(paymentMethods.position), asc(paymentMethods.id)).limit(CARD_COUNT_MAX);
  return cards.map(({ last4, ...card }) => ({ ...card, maskedNumber: maskCard(last4) }));
}

export async function readOwnCard(
  ctx: Ctx,
  { userId, cardId }: { userId: number; cardId: number },
): Promise<OwnCard | undefined> {
  const [card] = await ctx.db.select({
    id: paymentMethods.id,
    holderName: paymentMethods.name,
    bankCode: paymentMethods.bankCode,
    last4: paymentMethods.accountLast4,
  }).from(paymentMethods)
    .where(and(isOwn(userId), eq(paymentMethods.id, cardId), eq(paymentMethods.status, 1)))
    .limit(1);
  return card;
}

export async function readRealName(
  ctx: Ctx,
  userId: number,
): Promise<{ name: string } | undefined> {
  const [row] = await ctx.db.select({ name: realNames.name }).from(realNames)
    .where(eq(realNames.userId, userId)).limit(1);
  return row;
}

export async function readNameProof(
  ctx: Ctx,
  userId: number,
): Promise<{ name: string; maskedIdNo: string } | undefined> {
  const [row] = await ctx.db
    .select({ name: realNames.name, sealed: realNames.idNoSealed }).from(realNames)
    .where(eq(realNames.userId, userId)).limit(1);
  if (!row) return undefined;
  const idNo = unseal(ctx.config.keys, row.sealed, `real_names.id_no:${userId}`);
  return { name: row.name, maskedIdNo: maskIdNo(idNo) };
}
