import { z } from "zod";
import { confirmRecharge, type Recharge } from "../../db/domain/wallet/confirm_recharge.ts";
import { HexId } from "../fields.ts";
import { timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

const RechargeRecord = z.object({
  no: HexId,
  user_id: z.string().describe("The person's uid"),
  name: z.string(),
  amount: z.number().int().describe("分"),
  state: z.enum(["pending", "credited"]),
  channel_type: z.number().int().describe("1 Alipay, 2 WeChat, 3 bank card"),
  created_at: z.string(),
  decided_at: z.string().optional().describe("Once credited"),
  operator_id: z.number().int().optional().describe("Who confirmed it; nobody while developing"),
});

function rechargeRecord(recharge: Recharge): z.input<typeof RechargeRecord> {
  return {
    no: recharge.no,
    user_id: recharge.uid,
    name: recharge.name,
    amount: recharge.amount,
    state: recharge.state,
    channel_type: recharge.channelType,
    created_at: timeText(recharge.createdAt),
    decided_at: recharge.creditedAt ? timeText(recharge.creditedAt) : undefined,
    operator_id: recharge.operatorId ?? undefined,
  };
}

export const confirm = endpoint({
  method: "post",
  path: "/v1/recharges/{no}/confirm",
  summary: "Confirm that the money of a recharge has arrived",
  description: "It is in the wallet from then on. Confirmed again, nothing happens.",
  needs: "recharges.confirm",
  params: z.object({ no: z.string().max(64) }),
  data: RechargeRecord,
  errors: ["recharge_missing"],
  handle: async ({ params, actor, ctx }) =>
    rechargeRecord(await confirmRecharge(ctx, { rechargeNo: params.no, actor })),
});
