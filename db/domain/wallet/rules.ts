import { DomainError } from "../errors.ts";

/** Wrong pay passwords after which none is looked at for {@link PAY_LOCK_MS}. */
export const PAY_TRY_COUNT_MAX = 5;
export const PAY_LOCK_MS = 3 * 60 * 60 * 1000;
export const PAY_TOKEN_LIFE_MS = 5 * 60 * 1000;
/** Least and most of one withdrawal, 分. */
export const WITHDRAWAL_AMOUNT_MIN = 100;
export const WITHDRAWAL_AMOUNT_MAX = 5_000_000;
export const REASON_LENGTH_MAX = 200;
/** How far into a list of withdrawals an operator may page, and how many are counted. */
export const WITHDRAWALS_START_MAX = 10_000;
export const WITHDRAWALS_COUNTED_MAX = 10_000;

const PAY_PASSWORD = /^\d{6}$/;

/** @throws {DomainError} `pay_password_invalid` */
export function checkPayPassword(password: string): void {
  if (!PAY_PASSWORD.test(password)) throw new DomainError("pay_password_invalid");
}

/** @throws {DomainError} `withdrawal_limit` */
export function checkWithdrawalAmount(amount: number): void {
  if (amount < WITHDRAWAL_AMOUNT_MIN || amount > WITHDRAWAL_AMOUNT_MAX) {
    throw new DomainError("withdrawal_limit");
  }
}

export const rechargeChannels = [
  { type: 1, title: "支付宝", icon: "" },
  { type: 2, title: "微信支付", icon: "" },
  { type: 3, title: "银行卡", icon: "" },
] as const;
export type RechargeChannelType = (typeof rechargeChannels)[number]["type"];

export const withdrawalExplanation: readonly string[] = [
  `单笔提现金额为${yuan(WITHDRAWAL_AMOUNT_MIN)}元至${yuan(WITHDRAWAL_AMOUNT_MAX)}元`,
  "提现前请先完成实名认证并绑定本人的银行卡",
  "提交后金额会被暂时扣留，审核通过后打款到银行卡；未通过时退回钱包",
];

function yuan(amount: number): string {
  return String(amount / 100);
}
