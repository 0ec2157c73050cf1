import { z } from "zod";
import type { OperatorActor } from "../../../db/domain/operators/actor.ts";
import { can } from "../../../db/domain/operators/permissions.ts";
import {
  listMethods,
  type PaymentMethod,
  readMethod,
} from "../../../db/domain/payment_methods/reads.ts";
import { endpoint } from "../surface.ts";
import { UidParams } from "../user_fields.ts";

const WECHAT = 1;
const ALIPAY = 2;
const BANK_CARD = 4;

const Cents = z.number().int().describe("分");

const MethodRecord = z.object({
  id: z.number().int(),
  type: z.number().int().describe("1 WeChat, 2 Alipay, 4 bank card"),
  name: z.string(),
  account: z.string().describe("Its last four characters to those who may not read it"),
  extra0: z.string().describe("A QR code's text, or the bank"),
  extra1: z.string().optional().describe("The bank's branch, of bank cards"),
  ord: z.number().int(),
  status: z.number().int().describe("0 unusable, 1 usable"),
  low_money_per_tx_limit: Cents,
  high_money_per_tx_limit: Cents.describe("分; 0: no limit"),
  times_per_day_limit: z.number().int().describe("0: no limit"),
  money_per_day_limit: Cents.describe("分; 0: no limit"),
  money_sum_limit: Cents.describe("分; 0: no limit"),
  money_today: Cents,
  times_today: z.number().int(),
  money_sum: Cents,
});

function methodRecord(method: PaymentMethod): z.input<typeof MethodRecord> {
  return {
    id: method.id,
    type: method.type,
    name: method.name,
    account: method.account,
    extra0: method.extra0,
    extra1: method.type === BANK_CARD ? method.extra1 : undefined,
    ord: method.position,
    status: method.status,
    low_money_per_tx_limit: method.moneyPerTxMin,
    high_money_per_tx_limit: method.moneyPerTxMax,
    times_per_day_limit: method.timesPerDayMax,
    money_per_day_limit: method.moneyPerDayMax,
    money_sum_limit: method.moneyMax,
    money_today: method.moneyToday,
    times_today: method.timesToday,
    money_sum: method.money,
  };
}

const mayReadAll = ({ role }: OperatorActor) => can(role, "payment_methods.read_full");

export const list = endpoint({
  method: "get",
  path: "/v1/admin/users/{uid}/payment-methods",
  summary: "List the ways to pay a person",
  needs: "payment_methods.read",
  params: UidParams,
  query: z.object({
    type: z.enum(["0", "1", "2", "4"]).default("0").describe("0: all"),
  }),
  data: z.object({ list: z.array(MethodRecord) }),
  errors: ["user_missing"],
  async handle({ params: { uid: userId }, query, actor, ctx }) {
    const type = ([WECHAT, ALIPAY, BANK_CARD] as const).find((it) => String(it) === query.type);
    const methods = await listMethods(ctx, { userId, type, isFull: mayReadAll(actor) });
    return { list: methods.map(methodRecord) };
  },
});

export const read = endpoint({
  method: "get",
  path: "/v1/admin/users/{uid}/payment-methods/{id}",
  summary: "Show a way to pay a person",
  needs: "payment_methods.read",
  code: 0,
  params: UidParams.extend({ id: z.string().regex(/^\d{1,15}$/).transform(Number) }),
  data: MethodRecord,
  errors: ["user_missing", "payment_method_missing"],
  async handle({ params: { uid: userId, id: methodId }, actor, ctx }) {
    return methodRecord(await readMethod(ctx, { userId, methodId, isFull: mayReadAll(actor) }));
  },
});
