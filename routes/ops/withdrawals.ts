import { z } from "zod";
import { decideWithdrawal } from "../../db/domain/wallet/decide_withdrawal.ts";
import { REASON_LENGTH_MAX, WITHDRAWALS_START_MAX } from "../../db/domain/wallet/rules.ts";
import { listWithdrawals, type Withdrawal } from "../../db/domain/wallet/withdrawal_reads.ts";
import { HexId, textOrNothingUpTo } from "../fields.ts";
import { pageOf, pageQuery, timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

const State = z.enum(["pending", "paid", "rejected"]);

const WithdrawalRecord = z.object({
  no: HexId,
  user_id: z.string().describe("The person's uid"),
  name: z.string().describe("The card's holder"),
  amount: z.number().int().describe("分"),
  state: State,
  reason: z.string().describe("Why it was rejected"),
  bank: z.string(),
  card: z.string().describe("Its last four digits"),
  created_at: z.string(),
  decided_at: z.string().optional().describe("Once it is not pending any more"),
  operator_id: z.number().int().optional().describe("Who decided"),
});

function withdrawalRecord(withdrawal: Withdrawal): z.input<typeof WithdrawalRecord> {
  return {
    no: withdrawal.no,
    user_id: withdrawal.uid,
    name: withdrawal.name,
    amount: withdrawal.amount,
    state: withdrawal.state,
    reason: withdrawal.reason,
    bank: withdrawal.bank,
    card: withdrawal.maskedCard,
    created_at: timeText(withdrawal.createdAt),
    decided_at: withdrawal.decidedAt ? timeText(withdrawal.decidedAt) : undefined,
    operator_id: withdrawal.operatorId ?? undefined,
  };
}

const NoParams = z.object({ no: z.string().max(64) });

export const list = endpoint({
  method: "get",
  path: "/v1/withdrawals",
  summary: "List withdrawals",
  description: "Newest first. `total` is counted up to 10000.",
  needs: "withdrawals.read",
  query: pageQuery(WITHDRAWALS_START_MAX).extend({
    state: State.optional().describe("Absent: all"),
  }),
  data: pageOf(WithdrawalRecord),
  async handle({ query: { state, start, limit }, ctx }) {
    const { total, items } = await listWithdrawals(ctx, { state, start, limit });
    return { total, items: items.map(withdrawalRecord) };
  },
});

export const confirm = endpoint({
  method: "post",
  path: "/v1/withdrawals/{no}/confirm",
  summary: "Say that a withdrawal has been paid out",
  description: "Said again, nothing happens.",
  needs: "withdrawals.decide",
  params: NoParams,
  data: WithdrawalRecord,
  errors: ["withdrawal_missing", "withdrawal_decided"],
  async handle({ params, actor, ctx }) {
    const decision = { withdrawalNo: params.no, state: "paid", reason: "", actor } as const;
    return withdrawalRecord(await decideWithdrawal(ctx, decision));
  },
});

export const reject = endpoint({
  method: "post",
  path: "/v1/withdrawals/{no}/reject",
  summary: "Refuse a withdrawal",
  description: "The money is back in the wallet from then on. Refused again, nothing happens.",
  needs: "withdrawals.decide",
  params: NoParams,
  body: z.object({
    reason: textOrNothingUpTo(REASON_LENGTH_MAX)
      // The audit keeps it as JSON, in which Postgres takes no half characters.
      .transform((reason) => reason.toWellFormed()).default("").describe("The person reads it"),
  }),
  data: WithdrawalRecord,
  errors: ["withdrawal_missing", "withdrawal_decided"],
  async handle({ params, body: { reason }, actor, ctx }) {
    const decision = { withdrawalNo: params.no, state: "rejected", reason, actor } as const;
    return withdrawalRecord(await decideWithdrawal(ctx, decision));
  },
});
