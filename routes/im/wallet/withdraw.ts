import { z } from "zod";
import { readBalance } from "../../../db/domain/wallet/reads.ts";
import {
  WITHDRAWAL_AMOUNT_MAX,
  WITHDRAWAL_AMOUNT_MIN,
  withdrawalExplanation,
} from "../../../db/domain/wallet/rules.ts";
import { requestWithdrawal } from "../../../db/domain/wallet/withdraw.ts";
import { Cents, HexId } from "../../fields.ts";
import { CentsIn, done, doneAnd } from "../fields.ts";
import { endpoint } from "../surface.ts";

export const explain = endpoint({
  method: "get",
  path: "/wallet/withdraw/explain",
  summary: "提现描述",
  data: z.object({
    explain: z.array(z.string()),
    min_withdraw_amount: Cents,
    max_withdraw_amount: Cents,
    usable_amount: Cents,
  }),
  handle: async ({ actor, ctx }) => ({
    explain: [...withdrawalExplanation],
    min_withdraw_amount: WITHDRAWAL_AMOUNT_MIN,
    max_withdraw_amount: WITHDRAWAL_AMOUNT_MAX,
    usable_amount: await readBalance(ctx, actor.userId),
  }),
});

export const withdraw = endpoint({
  method: "post",
  path: "/wallet/withdraw",
  summary: "提现",
  description:
    "The money is held until an operator has decided. The same call again is answered by the " +
    "same withdrawal.",
  body: z.object({
    pay_token: z.string().min(1).max(64),
    amount: CentsIn,
    bankcard_id: z.coerce.number().int().positive().describe("Of GET /wallet/bankcards"),
    holder_name: z.string().trim().max(200).default("").describe("Empty, or as the card has it"),
    account_type: z.literal("BANK").default("BANK"),
  }),
  data: doneAnd({ withdrawal_no: HexId }),
  errors: [
    "amount_invalid",
    "withdrawal_limit",
    "pay_token_invalid",
    "operation_conflict",
    "wallet_unusable",
    "balance_insufficient",
    "real_name_missing",
    "bank_card_missing",
    "bank_card_holder",
  ],
  async handle({ body, actor, ctx }) {
    const withdrawalNo = await requestWithdrawal(ctx, {
      payToken: body.pay_token,
      userId: actor.userId,
      amount: body.amount,
      cardId: body.bankcard_id,
      holderName: body.holder_name,
    });
    return { ...done, withdrawal_no: withdrawalNo };
  },
});
