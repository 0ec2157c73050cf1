import { parsePhoneNumberFromString } from "libphonenumber-js/mobile";
import type { Mobile } from "../captchas/rules.ts";
import { DomainError } from "../errors.ts";
import { parseMobile } from "./mobile.ts";

/** Numbers without a country are China's (the contract's samples). */
const HOME_COUNTRY_CODE = "86";

/** A number as operators read and write it: eleven digits in China, `+<country><number>` abroad. */
export function mobileText(mobile: Mobile | null): string {
  if (mobile === null) return "";
  const { countryCode, number } = mobile;
  return countryCode === HOME_COUNTRY_CODE ? number : `+${countryCode}${number}`;
}

/** @throws {DomainError} `mobile_invalid` */
export function parseMobileText(text: string): Mobile {
  const typed = text.trim();
  if (!typed.startsWith("+")) return parseMobile(HOME_COUNTRY_CODE, typed);
  const found = parsePhoneNumberFromString(typed);
  if (!found) throw new DomainError("mobile_invalid");
  return parseMobile(found.countryCallingCode, found.nationalNumber);
}
