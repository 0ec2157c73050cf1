import { z } from "zod";
import { listCustomerServices } from "../../db/domain/chat_accounts/reads.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { listWalletRecords, readWallet } from "../../db/domain/wallet/reads.ts";
import { createRecharge } from "../../db/domain/wallet/recharge.ts";
import { recordNames } from "../../db/domain/wallet/record_names.ts";
import { rechargeChannels } from "../../db/domain/wallet/rules.ts";
import { perUser } from "../../middleware/rate_limit.ts";
import { Cents, Flag, flag, HexId, Nothing } from "../fields.ts";
import { CentsIn, pageOf, PageQuery, timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

const ChannelType = z.literal(rechargeChannels.map(({ type }) => type))
  .describe("1 Alipay, 2 WeChat, 3 bank card");

export const read = endpoint({
  method: "get",
  path: "/wallet/my",
  summary: "我的钱包信息",
  data: z.object({
    amount: Cents,
    status: z.number().int().describe("0 not usable, 1 normal, 2 frozen"),
    password_is_set: Flag,
  }),
  async handle({ actor, ctx }) {
    const { balance, status, hasPassword } = await readWallet(ctx, actor.userId);
    return { amount: balance, status, password_is_set: flag(hasPassword) };
  },
});

export const listChannels = endpoint({
  method: "get",
  path: "/wallet/channel/recharge",
  summary: "获取充值渠道",
  data: z.array(z.object({
    title: z.string(),
    icon: z.string().describe("Empty: the app's own"),
    type: ChannelType,
  })),
  handle: () => Promise.resolve([...rechargeChannels]),
});

const OPERATION_KEY = /^[\x21-\x7e]{1,100}$/;

/** @throws {DomainError} `params_invalid` */
function operationKeyOf(headers: Headers): string | undefined {
  const key = headers.get("idempotency-key");
  if (key === null) return undefined;
  if (OPERATION_KEY.test(key)) return key;
  throw new DomainError("params_invalid", { message: "重复提交标识不正确" });
}

export const recharge = endpoint({
  method: "post",
  path: "/wallet/recharge",
  summary: "钱包充值",
  description:
    "There is no payment to go on to: the money is credited once an operator has seen it, or at " +
    "once at a door of development. With a header `Idempotency-Key` (1 to 100 visible ASCII " +
    "characters) the same call again is answered by the same recharge.",
  body: z.object({ amount: CentsIn, channel_type: ChannelType }),
  data: z.object({
    recharge_no: HexId,
    pay_no: z.string(),
    trade_no: z.string(),
    out_trade_no: z.string(),
    forward_type: z.string().describe("Empty: nothing is left to do elsewhere"),
    result: Nothing,
  }),
  errors: ["amount_invalid", "operation_conflict"],
  rate: perUser(30, "1 min"),
  async handle({ body, actor, ctx, headers, isAtDevDoor }) {
    const rechargeNo = await createRecharge(ctx, {
      isCreditedAtOnce: isAtDevDoor && ctx.config.rechargeChannel === "development",
      userId: actor.userId,
      amount: body.amount,
      channelType: body.channel_type,
      operationKey: operationKeyOf(headers),
    });
    return {
      recharge_no: rechargeNo,
      pay_no: rechargeNo,
      trade_no: rechargeNo,
      out_trade_no: rechargeNo,
      forward_type: "",
      result: {},
    };
  },
});

export const listRecords = endpoint({
  method: "get",
  path: "/wallet/records",
  summary: "钱包交易记录",
  description: "Newest first.",
  query: PageQuery,
  data: z.array(z.object({
    record_id: z.string(),
    title: z.string(),
    amount: Cents.describe("分; negative: out"),
    balance: Cents.describe("分 in the wallet afterwards"),
    remark: z.string(),
    created_at: z.string(),
    type: z.number().int().describe(
      Object.values(recordNames).map(({ type, title }) => `${type} ${title}`).join(", "),
    ),
  })),
  async handle({ query, actor, ctx }) {
    const records = await listWalletRecords(ctx, {
      userId: actor.userId,
      ...pageOf(query),
    });
    return records.map(({ id, kind, createdAt, ...record }) => ({
      record_id: String(id),
      ...recordNames[kind],
      ...record,
      created_at: timeText(createdAt),
    }));
  },
});

export const listServices = endpoint({
  method: "get",
  path: "/wallet/customerservices",
  summary: "客服列表",
  data: z.array(z.object({ uid: HexId, name: z.string() })),
  handle: async ({ ctx }) => await listCustomerServices(ctx),
});
