import { type SQL, sql } from "drizzle-orm";

/**
 * What people are told of money in chat (`event` of the payload), and in which words: `{}` is the
 * amount in 元. Both people of a transfer read the same.
 */
const SENTENCES = {
  transfer_received: "转账{}元已收款",
  transfer_refunded: "转账{}元超过24小时未收款，已退回",
  redpacket_refunded: "红包超过24小时未领完，剩余{}元已退回",
  withdrawal_paid: "提现{}元已到账",
  withdrawal_rejected: "提现{}元被驳回，已退回钱包",
  recharge_confirmed: "充值{}元已到账",
} as const;

export type MoneyEvent = keyof typeof SENTENCES;

export interface MoneyNews {
  event: MoneyEvent;
  /** `ContentType`: a tip between two people, a text from the system account. */
  type: number | SQL;
  /** The transfer's, packet's, withdrawal's or recharge's. */
  no: SQL;
  /** 分 */
  amount: SQL;
  /** Why, in somebody's words. */
  reason?: string;
}

/** The payload, as JSON text of a statement. */
export function moneyNews({ event, type, no, amount, reason = "" }: MoneyNews): SQL {
  const [before, after] = SENTENCES[event].split("{}");
  const why = reason && `：${reason}`;
  return sql`jsonb_build_object('type', ${type}::int, 'event', ${event}::text, 'no', ${no},
    'amount', ${amount},
    'content', ${before}::text || to_char(${amount} / 100.0, 'FM999999999990.00')
      || ${`${after}${why}`}::text)::text`;
}
