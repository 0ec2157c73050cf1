/** Why a record waits for somebody to act (ops contract's sample). */
export const NO_ACCOUNT = "bank account not found";
/** Longest description of a record, in characters as people count them (code points). */
export const DESCRIPTION_LENGTH_MAX = 200;
/** How far into the list of records anybody may page, and how many found ones are counted. */
export const RECORDS_LISTED_MAX = 10_000;
export const KEYWORD_LENGTH_MAX = 50;
export const PAYMENTS_COUNT_MAX = 1_000;
export const TRACE_ID_LENGTH_MAX = 128;

/** CNY above none, to four places, at most ten digits before the point. */
const AMOUNT = /^(?=.*[1-9])(0|[1-9]\d{0,9})(\.\d{1,4})?$/;
const PLACES = 4;
const UNITS_PER_YUAN = 10_000n;

export function isAmount(text: string): boolean {
  return AMOUNT.test(text);
}

export function unitsOf(decimal: string): bigint {
  const [whole, fraction = ""] = decimal.split(".");
  return BigInt(whole + fraction.padEnd(PLACES, "0"));
}

export function decimalOf(units: bigint): string {
  const fraction = String(units % UNITS_PER_YUAN).padStart(PLACES, "0").replace(/0+$/, "");
  return `${units / UNITS_PER_YUAN}${fraction && `.${fraction}`}`;
}

/** A part of a sum, to four places, halves to the even neighbour; exact however large it is. */
export function shareOf(sum: string, rate: string): string {
  const product = unitsOf(sum) * unitsOf(rate);
  const [below, rest] = [product / UNITS_PER_YUAN, product % UNITS_PER_YUAN];
  const isUp = rest * 2n > UNITS_PER_YUAN || (rest * 2n === UNITS_PER_YUAN && below % 2n === 1n);
  return decimalOf(isUp ? below + 1n : below);
}

export interface Result {
  state: "claimed" | "error";
  description: string;
}

/** What banks and operators write when the money has left. */
const SUCCESS_WORDS = ["成功", "已发放", "claimed"];

/** A word in the result column: undefined says nothing, success is paid, all else says why not. */
export function resultOf(word: string): Result | undefined {
  const description = word.trim();
  if (description === "") return undefined;
  const isPaid = SUCCESS_WORDS.includes(description.toLowerCase());
  return { state: isPaid ? "claimed" : "error", description };
}
