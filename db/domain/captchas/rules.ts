import { DomainError } from "../errors.ts";

/** What a code is for; a code for one purpose is worth nothing for another. */
export type CaptchaPurpose = "login" | "register" | "login_check" | "pay_password";

/** A mobile number as accounts are keyed by: digits only, checked to be possible. */
export interface Mobile {
  countryCode: string;
  number: string;
}

export const CAPTCHA_LIFE_MS = 5 * 60 * 1000;
export const CAPTCHA_TRY_COUNT_MAX = 5;
/** Sends to one number: one within `withinMs` for each row's count. */
export const CAPTCHA_SEND_LIMITS = [
  { count: 1, withinMs: 60 * 1000 },
  { count: 5, withinMs: 60 * 60 * 1000 },
  { count: 10, withinMs: 24 * 60 * 60 * 1000 },
] as const;

/** Six random digits, from a number drawn below 10^6. */
export function codeOf(drawn: number): string {
  return String(drawn).padStart(6, "0");
}

/**
 * Whether another code may be sent after `sentAtMs` (newest first).
 * @throws {DomainError} `captcha_too_soon` within the minute, `captcha_spent` for hour and day
 */
export function refuseTooMany(sentAtMs: number[], nowMs: number): void {
  for (const { count, withinMs } of CAPTCHA_SEND_LIMITS) {
    const oldest = sentAtMs[count - 1];
    if (oldest === undefined || oldest <= nowMs - withinMs) continue;
    throw new DomainError(count === 1 ? "captcha_too_soon" : "captcha_spent", {
      retryAfterSeconds: Math.ceil((oldest + withinMs - nowMs) / 1000),
    });
  }
}
