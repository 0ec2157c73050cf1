import { inChina } from "../china_time.ts";
import { DomainError } from "../errors.ts";

export const CARD_COUNT_MAX = 20;
/** Longest text taken for a card number: 19 digits and what people put between them. */
export const CARD_TEXT_LENGTH_MAX = 32;
/** Longest name of a card's holder, in characters as people count them (code points). */
export const HOLDER_NAME_LENGTH_MAX = 50;
export const ID_CARD = "idcard";

/** Digits of a card number (ISO/IEC 7812); below 12 no bank of ours issues any. */
const CARD_NUMBER = /^\d{12,19}$/;
const ID_NO = /^[1-9]\d{16}[\dX]$/;
/** Weights and check characters of ISO 7064 MOD 11-2 (GB 11643). */
const ID_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const ID_CHECKS = "10X98765432";
const BIRTH_YEAR_MIN = 1900;

export function parseCardNumber(text: string): string | undefined {
  const digits = text.replaceAll(/\s/g, "");
  return CARD_NUMBER.test(digits) && isLuhn(digits) ? digits : undefined;
}

/** Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B). */
export function isLuhn(digits: string): boolean {
  const sum = [...digits].reverse().map(Number).reduce((sum, digit, at) => {
    const weighted = at % 2 === 1 ? digit * 2 : digit;
    return sum + (weighted > 9 ? weighted - 9 : weighted);
  }, 0);
  return sum % 10 === 0;
}

/**
 * The one spelling of a mainland id number: 18 characters, the last perhaps a capital X.
 * @param now whoever has a number was born before
 * @throws {DomainError} `params_invalid` for a wrong check digit or an impossible day of birth
 */
export function parseIdNo(text: string, now: Date): string {
  const idNo = text.trim().toUpperCase();
  if (!ID_NO.test(idNo) || idCheckOf(idNo) !== idNo[17] || !isBirthday(idNo.slice(6, 14), now)) {
    throw new DomainError("params_invalid", { message: "身份证号码不正确" });
  }
  return idNo;
}

export function idCheckOf(digits: string): string {
  const sum = ID_WEIGHTS.reduce((sum, weight, at) => sum + weight * Number(digits[at]), 0);
  return ID_CHECKS[sum % 11]!;
}

function isBirthday(yyyymmdd: string, now: Date): boolean {
  const [year, month, day] = [yyyymmdd.slice(0, 4), yyyymmdd.slice(4, 6), yyyymmdd.slice(6)];
  const at = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  // A 30th of February becomes another day.
  const isDay = at.toISOString().startsWith(`${year}-${month}-${day}`);
  return isDay && at.getUTCFullYear() >= BIRTH_YEAR_MIN && at <= inChina(now);
}

export function maskCard(last4: string): string {
  return `**** **** **** ${last4}`;
}

export function maskIdNo(idNo: string): string {
  return idNo.slice(0, 3) + "*".repeat(Math.max(0, idNo.length - 7)) + idNo.slice(-4);
}
