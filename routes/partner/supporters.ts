import { z } from "zod";
import { findSupporter } from "../../db/domain/support/supporters.ts";
import { AnsweredUid, asClient, Id } from "./fields.ts";
import { endpoint } from "./surface.ts";

const Supporter = z.object({
  seller_id: AnsweredUid.describe("客服id"),
  name: z.string().describe("客服名称, up to an `@`"),
  avatar: z.string().describe("客服头像"),
  status: z.enum(["online", "offline"]).describe("客服状态"),
});

export const find = endpoint({
  method: "get",
  path: "/supporters",
  summary: "获取客服",
  description: "Who helped the caller at this desk before, there or not; else somebody who is " +
    "online; else the desk's first.",
  by: "client",
  query: z.object({ store_id: Id.describe("咨询台id") }),
  data: Supporter,
  errors: ["store_missing", "seller_missing"],
  async handle({ query, actor, ctx }): Promise<z.input<typeof Supporter>> {
    const { tenantId, userId } = asClient(actor);
    const seller = await findSupporter(ctx, { tenantId, userId, storeId: query.store_id });
    return {
      seller_id: seller.appUid,
      name: seller.name,
      avatar: seller.avatar,
      status: seller.isOnline ? "online" : "offline",
    };
  },
});
