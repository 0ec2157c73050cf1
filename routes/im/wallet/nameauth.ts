import { z } from "zod";
import { readNameProof } from "../../../db/domain/payment_methods/card_reads.ts";
import { Flag, flag } from "../../fields.ts";
import { endpoint } from "../surface.ts";

export const read = endpoint({
  method: "get",
  path: "/wallet/nameauth",
  summary: "查询我的实名认证信息",
  data: z.object({
    is_auth: Flag.describe("1 once a bank card is bound with name and id number"),
    data: z.object({
      name: z.string(),
      cert_no: z.string().describe("Its first three and last four characters"),
      cert_type: z.literal(1).describe("1 id card"),
    }),
  }),
  async handle({ actor, ctx }) {
    const proof = await readNameProof(ctx, actor.userId);
    return {
      is_auth: flag(proof !== undefined),
      data: { name: proof?.name ?? "", cert_no: proof?.maskedIdNo ?? "", cert_type: 1 as const },
    };
  },
});
