import { z } from "zod";
import { recordPayments } from "../../../db/domain/payouts/record_payments.ts";
import {
  isAmount,
  PAYMENTS_COUNT_MAX,
  TRACE_ID_LENGTH_MAX,
} from "../../../db/domain/payouts/rules.ts";
import { GroupId, UserId } from "../fields.ts";
import { endpoint } from "../surface.ts";

/** Nothing was paid before; what says so was counted in other units. */
const PAID_AT_MIN = Date.parse("2000-01-01T00:00:00Z");

const Payment = z.object({
  trace_id: z.string().min(1).max(TRACE_ID_LENGTH_MAX)
    .describe("The payer's own number of the payment: told twice it is one payment"),
  user_id: UserId.describe("Who paid"),
  amount: z.string().refine(isAmount)
    .describe("CNY, a decimal string of at most four places"),
  paid_at: z.iso.datetime({ offset: true }).transform((text) => new Date(text))
    .refine((at) => at.getTime() >= PAID_AT_MIN),
  inviter_user_id: UserId.nullish().describe("Who brought them; absent: as their membership says"),
});

export const record = endpoint({
  method: "post",
  path: "/v1/groups/{group_id}/payments",
  summary: "Tell what people have paid for being in a group",
  description:
    "The input of the monthly profits. A payment told before changes nothing; one that " +
    "comes after its month was closed counts for the next open month.",
  needs: "payments.record",
  keys: true,
  params: z.object({ group_id: GroupId }),
  body: z.object({ payments: z.array(Payment).min(1).max(PAYMENTS_COUNT_MAX) }),
  data: z.object({ accepted: z.number().int(), duplicates: z.number().int() }),
  errors: ["group_missing", "user_missing", "operation_conflict"],
  async handle({ params, body, actor, ctx }) {
    const payments = body.payments.map((payment) => ({
      traceId: payment.trace_id,
      uid: payment.user_id,
      inviterUid: payment.inviter_user_id ?? undefined,
      amount: payment.amount,
      paidAt: payment.paid_at,
    }));
    const told = { actor, groupId: params.group_id, payments };
    const { acceptedCount, duplicateCount } = await recordPayments(ctx, told);
    return { accepted: acceptedCount, duplicates: duplicateCount };
  },
});
