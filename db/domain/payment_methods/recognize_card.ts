import { type CardOrigin, findOrigin } from "./banks.ts";
import { parseCardNumber } from "./card_rules.ts";

export function recognizeCard(text: string): CardOrigin | undefined {
  const digits = parseCardNumber(text);
  return digits === undefined ? undefined : findOrigin(digits);
}
