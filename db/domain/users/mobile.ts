import { parsePhoneNumberFromString } from "libphonenumber-js/mobile";
import type { Mobile } from "../captchas/rules.ts";
import { DomainError } from "../errors.ts";

/** What people and phones put between digits, and what nobody sees: iOS wraps copied numbers in it. */
const BETWEEN = /[\p{Z}\p{P}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2212~]/gu;
/** Digits of Arabic and of Persian: the last four bits are the number. */
const ARABIC_DIGIT = /[\u0660-\u0669\u06f0-\u06f9]/g;

/** Digits and `+` of a number as it was typed or pasted; letters stay, for whoever refuses them. */
export function plainNumber(text: string): string {
  return text.normalize("NFKC").replace(BETWEEN, "")
    .replace(ARABIC_DIGIT, (digit) => String(digit.charCodeAt(0) & 0xf));
}

/**
 * The one spelling of a mobile number: `+86`, `0086` and `86` are the same country, what stands
 * between digits and a leading trunk zero do not count. The country once more in front of the number
 * is one country; North America's may have its area (`1242`).
 * @throws {DomainError} `mobile_invalid` when no such mobile number can exist
 */
export function parseMobile(countryCode: string, mobile: string): Mobile {
  const zone = plainNumber(countryCode).replace(/^\+?0*/, "");
  const typed = plainNumber(mobile);
  const number = /^(?:[1-9]\d{0,2}|1\d{3})$/.test(zone) && /^\+?\d{4,20}$/.test(typed)
    ? spellings(zone, typed).map(parsed).find((number) => number !== undefined)
    : undefined;
  if (!number) throw new DomainError("mobile_invalid");
  return number;
}

/** What may be meant, the likeliest first; whichever it is begins with the zone. */
function spellings(zone: string, typed: string): string[] {
  const digits = typed.replace(/^(\+|00)/, "");
  const area = /^1(\d{3})$/.exec(zone)?.[1];
  return [
    ...digits === typed ? [zone + digits] : [],
    ...digits.startsWith(zone) ? [digits] : [],
    ...area !== undefined && digits.startsWith(area) ? [`1${digits}`] : [],
  ];
}

function parsed(digits: string): Mobile | undefined {
  const number = parsePhoneNumberFromString(`+${digits}`);
  if (!number || !(number.isValid() || isChineseMobile(number))) return undefined;
  return { countryCode: number.countryCallingCode, number: number.nationalNumber };
}

/** China opens new ranges faster than anybody's tables follow. */
function isChineseMobile(number: { countryCallingCode: string; nationalNumber: string }): boolean {
  return number.countryCallingCode === "86" && /^1\d{10}$/.test(number.nationalNumber);
}
