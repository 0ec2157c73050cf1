import { z } from "zod";
import { cardTypes } from "../../../db/domain/payment_methods/banks.ts";
import { bindCard } from "../../../db/domain/payment_methods/bind_card.ts";
import { listCards } from "../../../db/domain/payment_methods/card_reads.ts";
import {
  CARD_TEXT_LENGTH_MAX,
  HOLDER_NAME_LENGTH_MAX,
} from "../../../db/domain/payment_methods/card_rules.ts";
import { plainNumber } from "../../../db/domain/users/mobile.ts";
import { perUser } from "../../../middleware/rate_limit.ts";
import { textOrNothingUpTo, textUpTo } from "../../fields.ts";
import { done, doneAnd } from "../fields.ts";
import { endpoint } from "../surface.ts";

/** Absent, or as empty as forms send what nobody filled in. */
const optionalText = (max: number) =>
  textOrNothingUpTo(max).optional().transform((text) => text || undefined);

const BANK_TEXT_LENGTH_MAX = 64;
const ID_NO_LENGTH_MAX = 32;

export const add = endpoint({
  method: "post",
  path: "/wallet/bankcards",
  summary: "添加银行卡",
  description: "The first card needs holder_name and cert_no, which become one's real name; " +
    "a later one is the same holder's.",
  body: z.object({
    bankcard: z.string().max(CARD_TEXT_LENGTH_MAX).describe("12 to 19 digits; spaces do not count"),
    bankcode: textUpTo(BANK_TEXT_LENGTH_MAX).describe("Of GET /wallet/banks"),
    bankname: textUpTo(BANK_TEXT_LENGTH_MAX).describe("The list's own name is what is kept"),
    bankcard_type: z.enum(cardTypes).describe("DC debit, CC credit"),
    phone: z.string().transform(plainNumber).pipe(z.string().regex(/^\+?\d{6,15}$/)).describe(
      "The mobile the bank knows",
    ),
    holder_name: optionalText(HOLDER_NAME_LENGTH_MAX),
    cert_no: optionalText(ID_NO_LENGTH_MAX).describe("18-digit id number"),
    cert_type: z.literal(1).default(1).describe("1 id card"),
  }),
  data: doneAnd({ id: z.number().int() }),
  errors: ["bank_card_invalid", "bank_card_taken", "bank_card_holder", "real_name_missing"],
  rate: perUser(20, "1 min"),
  async handle({ body, actor, ctx }) {
    const id = await bindCard(ctx, {
      userId: actor.userId,
      cardNumber: body.bankcard,
      bankCode: body.bankcode,
      cardType: body.bankcard_type,
      phone: body.phone,
      holderName: body.holder_name,
      idNo: body.cert_no,
    });
    return { ...done, id };
  },
});

const TYPE_NAMES: Record<string, string> = { DC: "储蓄卡", CC: "信用卡" };

export const list = endpoint({
  method: "get",
  path: "/wallet/bankcards",
  summary: "获取我绑定的银行卡",
  data: z.array(z.object({
    id: z.number().int(),
    bankcard: z.string().describe("`**** **** **** 1234`; the number itself never leaves"),
    bankcode: z.string(),
    bankname: z.string(),
    bankcard_type: z.string().describe("DC debit, CC credit, empty when unknown"),
    bankcard_type_name: z.string(),
    bank_logo: z.literal("").describe("Always empty: the app has its own pictures"),
    bank_cover: z.literal("").describe("Always empty"),
  })),
  handle: async ({ actor, ctx }) =>
    (await listCards(ctx, { userId: actor.userId })).map((card) => ({
      id: card.id,
      bankcard: card.maskedNumber,
      bankcode: card.bankCode,
      bankname: card.bankName,
      bankcard_type: card.cardType,
      bankcard_type_name: TYPE_NAMES[card.cardType] ?? "",
      bank_logo: "" as const,
      bank_cover: "" as const,
    })),
});
