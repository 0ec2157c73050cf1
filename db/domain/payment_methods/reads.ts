import { and, asc, eq, isNull, sql } from "drizzle-orm";
import { unseal } from "../../../config/runtime/sealed.ts";
import type { Ctx } from "../../client/ctx.ts";
import { paymentMethods, PaymentType } from "../../schema/people.ts";
import { users } from "../../schema/users.ts";
import { instant } from "../../sql.ts";
import { dayStart } from "../china_time.ts";
import { DomainError } from "../errors.ts";
import { managed } from "../users/who_is_there.ts";
import { maskCard } from "./card_rules.ts";
import { METHODS_COUNT_MAX } from "./rules.ts";

export type PaymentTypeNumber = (typeof PaymentType)[keyof typeof PaymentType];

/** A way to pay a person, with what it may take in and has taken in; amounts in 分. */
export interface PaymentMethod {
  id: number;
  type: number;
  name: string;
  account: string;
  extra0: string;
  extra1: string;
  position: number;
  status: number;
  /** 0: no limit. */
  moneyPerTxMin: number;
  moneyPerTxMax: number;
  timesPerDayMax: number;
  moneyPerDayMax: number;
  moneyMax: number;
  /** Paid out to it since midnight in UTC+8. */
  moneyToday: number;
  timesToday: number;
  /** Paid out to it ever. */
  money: number;
}

export interface MethodsReader {
  userId: number;
  /** Without it an account is its last four characters, and a QR code, which says the same, nothing. */
  isFull: boolean;
}

/**
 * @param type absent: all
 * @throws {DomainError} `user_missing`
 */
export async function listMethods(
  ctx: Ctx,
  { type, ...reader }: MethodsReader & { type: PaymentTypeNumber | undefined },
): Promise<PaymentMethod[]> {
  const isListed = type === undefined ? undefined : eq(paymentMethods.type, type);
  return await readMethods(ctx, reader, isListed);
}

/** @throws {DomainError} `user_missing`, `payment_method_missing` also for another person's */
export async function readMethod(
  ctx: Ctx,
  { methodId, ...reader }: MethodsReader & { methodId: number },
): Promise<PaymentMethod> {
  const [method] = await readMethods(ctx, reader, eq(paymentMethods.id, methodId));
  if (!method) throw new DomainError("payment_method_missing");
  return method;
}

async function readMethods(
  ctx: Ctx,
  reader: MethodsReader,
  isMeant: ReturnType<typeof eq> | undefined,
): Promise<PaymentMethod[]> {
  const { userId } = reader;
  const rows = await ctx.db
    .select({ method: paymentMethods, paid: paidOut.columns })
    .from(users)
    .leftJoin(
      paymentMethods,
      and(eq(paymentMethods.userId, users.id), isNull(paymentMethods.removedAt), isMeant),
    )
    .leftJoinLateral(paidOut.to(ctx), sql`true`)
    .where(and(eq(users.id, userId), managed))
    .orderBy(asc(paymentMethods.position), asc(paymentMethods.id)).limit(METHODS_COUNT_MAX);
  if (rows.length === 0) throw new DomainError("user_missing");
  return rows.flatMap(({ method, paid }) => method ? [shown(ctx, reader, { method, paid })] : []);
}

/** Sums of the withdrawals that have been paid out to the method of a row. */
const paidOut = {
  columns: {
    money: sql<string>`paid.money`,
    moneyToday: sql<string>`paid.money_today`,
    timesToday: sql<string>`paid.times_today`,
  },
  to: (ctx: Ctx) => {
    const isToday = sql`decided_at >= ${instant(dayStart(ctx.now()))}`;
    return sql`(select coalesce(sum(amount), 0) as money,
        coalesce(sum(amount) filter (where ${isToday}), 0) as money_today,
        count(*) filter (where ${isToday}) as times_today
      from withdrawals where payment_method_id = ${paymentMethods.id} and state = 'paid') as paid`;
  },
};

interface Row {
  method: typeof paymentMethods.$inferSelect;
  paid: Record<keyof typeof paidOut.columns, string>;
}

function shown(ctx: Ctx, { userId, isFull }: MethodsReader, { method, paid }: Row): PaymentMethod {
  const boundTo = `payment_methods.account:${userId}`;
  const isQrCode = method.type !== PaymentType.bankCard;
  return {
    id: method.id,
    type: method.type,
    name: method.name,
    account: isFull
      ? unseal(ctx.config.keys, method.accountSealed, boundTo)
      : maskCard(method.accountLast4),
    extra0: isFull || !isQrCode ? method.extra0 : "",
    extra1: method.extra1,
    position: method.position,
    status: method.status,
    moneyPerTxMin: method.moneyPerTxMin,
    moneyPerTxMax: method.moneyPerTxMax,
    timesPerDayMax: method.timesPerDayMax,
    moneyPerDayMax: method.moneyPerDayMax,
    moneyMax: method.moneyMax,
    moneyToday: Number(paid.moneyToday),
    timesToday: Number(paid.timesToday),
    money: Number(paid.money),
  };
}
