import { z } from "zod";
import { banks } from "../../../db/domain/payment_methods/banks.ts";
import { endpoint } from "../surface.ts";

export const list = endpoint({
  method: "get",
  path: "/wallet/banks",
  summary: "获取银行列表",
  data: z.array(z.object({
    bankcode: z.string().describe("As Alipay spells it: ICBC, CMB"),
    bankname: z.string(),
    bank_logo: z.literal("").describe("Always empty: the app has its own pictures"),
    bank_cover: z.literal("").describe("Always empty"),
  })),
  handle: () =>
    Promise.resolve(
      banks.map(({ code, name }) => ({
        bankcode: code,
        bankname: name,
        bank_logo: "" as const,
        bank_cover: "" as const,
      })),
    ),
});
