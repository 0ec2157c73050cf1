import { z } from "zod";
import type { CardType } from "../../../db/domain/payment_methods/banks.ts";
import { CARD_TEXT_LENGTH_MAX } from "../../../db/domain/payment_methods/card_rules.ts";
import { recognizeCard } from "../../../db/domain/payment_methods/recognize_card.ts";
import { perUser } from "../../../middleware/rate_limit.ts";
import { Flag, flag } from "../../fields.ts";
import { endpoint } from "../surface.ts";

export const recognize = endpoint({
  method: "get",
  path: "/wallet/bankcard/info",
  summary: "查询银行卡的信息",
  description: "By the check digit and the first digits; a card nobody knows is no error.",
  query: z.object({
    bankcard: z.string().max(CARD_TEXT_LENGTH_MAX).default("").describe("银行卡"),
  }),
  data: z.object({
    valid: Flag,
    vaild: Flag.describe("The same, as deployed apps spell it"),
    data: z.object({
      bankcard_type: z.enum(["DC", "CC", ""]).describe("Debit, credit; empty unless valid"),
      bankcode: z.string(),
      bankname: z.string(),
    }),
  }),
  rate: perUser(60, "1 min"),
  handle({ query }) {
    const origin = recognizeCard(query.bankcard);
    const valid = flag(origin !== undefined);
    const type: CardType | "" = origin?.type ?? "";
    return Promise.resolve({
      valid,
      vaild: valid,
      data: {
        bankcard_type: type,
        bankcode: origin?.bank.code ?? "",
        bankname: origin?.bank.name ?? "",
      },
    });
  },
});
