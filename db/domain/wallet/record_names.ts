import type { TransactionKind } from "../../schema/ledger.ts";

/** How a wallet's records call a movement: a number for programs, a title for people. */
export const recordNames: Record<TransactionKind, { type: number; title: string }> = {
  recharge: { type: 1, title: "充值" },
  withdraw: { type: 2, title: "提现" },
  withdraw_paid: { type: 3, title: "提现到账" },
  withdraw_rejected: { type: 4, title: "提现退回" },
  red_packet_paid: { type: 5, title: "发红包" },
  red_packet_opened: { type: 6, title: "领取红包" },
  red_packet_refunded: { type: 7, title: "红包退回" },
  transfer_sent: { type: 8, title: "转账" },
  transfer_received: { type: 9, title: "收到转账" },
  transfer_refunded: { type: 10, title: "转账退回" },
};
