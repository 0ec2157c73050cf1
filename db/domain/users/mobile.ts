import { parsePhoneNumberFromString } from "libphonenumber-js/mobile";
import type { Mobile } from "../captchas/rules.ts";
import { DomainError } from "../errors.ts";

/**
 * The one spelling of a mobile number: `+86`, `0086` and `86` are the same country, spaces and a
 * leading trunk zero do not count.
 * @throws {DomainError} `mobile_invalid` when no such mobile number can exist
 */
export function parseMobile(countryCode: string, mobile: string): Mobile {
  const country = countryCode.replace(/^(\+|00)/, "");
  const number = /^\d{1,3}$/.test(country) && /^[\d\s-]{4,20}$/.test(mobile)
    ? parsePhoneNumberFromString(`+${country}${mobile}`)
    : undefined;
  if (!number || !(number.isValid() || isChineseMobile(number))) {
    throw new DomainError("mobile_invalid");
  }
  return { countryCode: number.countryCallingCode, number: number.nationalNumber };
}

/** China opens new ranges faster than anybody's tables follow. */
function isChineseMobile(number: { countryCallingCode: string; nationalNumber: string }): boolean {
  return number.countryCallingCode === "86" && /^1\d{10}$/.test(number.nationalNumber);
}
