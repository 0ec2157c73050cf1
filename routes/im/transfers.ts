import { z } from "zod";
import { readTransfer } from "../../db/domain/transfers/reads.ts";
import { receiveTransfer } from "../../db/domain/transfers/receive.ts";
import { REMARK_LENGTH_MAX } from "../../db/domain/transfers/rules.ts";
import { sendTransfer } from "../../db/domain/transfers/send.ts";
import { Cents, HexId, textOrNothingUpTo } from "../fields.ts";
import { CentsIn, Done, done, doneAnd, timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

const TransferParams = z.object({ no: z.string().describe("转账编号") });

/** `status` of a transfer, as apps number its states. */
const STATUSES = { waiting: 1, received: 2, refunded: 3 } as const;

export const create = endpoint({
  method: "post",
  path: "/transfers",
  summary: "创建转账",
  description: "To a friend, who has a day to receive it. Sent again with the same token it " +
    "answers the same transfer.",
  body: z.object({
    pay_token: z.string().min(1).max(64),
    amount: CentsIn,
    to_uid: z.string().min(1).max(64),
    remark: textOrNothingUpTo(REMARK_LENGTH_MAX).default(""),
  }),
  data: doneAnd({ no: HexId }),
  errors: [
    "amount_invalid",
    "user_missing",
    "self_refused",
    "friend_missing",
    "pay_token_invalid",
    "operation_conflict",
    "wallet_unusable",
    "balance_insufficient",
    "message_blacklisted",
  ],
  async handle({ body, actor, ctx }) {
    const no = await sendTransfer(ctx, {
      userId: actor.userId,
      payToken: body.pay_token,
      amount: body.amount,
      toUid: body.to_uid,
      remark: body.remark,
    });
    return { ...done, no };
  },
});

export const read = endpoint({
  method: "get",
  path: "/transfers/{no}",
  summary: "查询转账",
  description: "For its two parties. Times are empty where nothing has happened.",
  params: TransferParams,
  data: z.object({
    no: HexId,
    amount: Cents,
    status: z.literal([1, 2, 3]).describe("1 waiting, 2 received, 3 given back"),
    from_uid: HexId,
    to_uid: HexId,
    to_name: z.string(),
    remark: z.string(),
    created_at: z.string(),
    receive_at: z.string(),
    refund_at: z.string(),
  }),
  errors: ["transfer_missing"],
  async handle({ params, actor, ctx }) {
    const transfer = await readTransfer(ctx, { no: params.no, userId: actor.userId });
    return {
      no: transfer.no,
      amount: transfer.amount,
      status: STATUSES[transfer.state],
      from_uid: transfer.fromUid,
      to_uid: transfer.toUid,
      to_name: transfer.toName,
      remark: transfer.remark,
      created_at: timeText(transfer.createdAt),
      receive_at: transfer.receivedAt ? timeText(transfer.receivedAt) : "",
      refund_at: transfer.refundedAt ? timeText(transfer.refundedAt) : "",
    };
  },
});

export const receive = endpoint({
  method: "post",
  path: "/transfers/{no}/receive",
  summary: "领取转账",
  description: "By the payee, once.",
  params: TransferParams,
  data: Done,
  errors: ["transfer_missing", "transfer_settled", "transfer_expired"],
  async handle({ params, actor, ctx }) {
    await receiveTransfer(ctx, { no: params.no, userId: actor.userId });
    return done;
  },
});
