import { type CardOrigin, findOrigin } from "./banks.ts";
import { parseCardNumber } from "./card_rules.ts";

/** Whose card a number as typed is; undefined for no card number, and for one nobody knows. */
export function recognizeCard(text: string): CardOrigin | undefined {
  const digits = parseCardNumber(text);
  return digits === undefined ? undefined : findOrigin(digits);
}
