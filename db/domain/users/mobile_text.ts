import { parsePhoneNumberFromString } from "libphonenumber-js/mobile";
import type { Mobile } from "../captchas/rules.ts";
import { DomainError } from "../errors.ts";
import { parseMobile, plainNumber } from "./mobile.ts";
import { usernameOf } from "./rules.ts";

/** Numbers without a country are China's (the contract's samples). */
const HOME_COUNTRY_CODE = "86";
/** What a number with its country begins with. */
const INTERNATIONAL = /^(?:\+|00)/;

/** A number as operators read and write it: eleven digits in China, `+<country><number>` abroad. */
export function mobileText(mobile: Mobile | null): string {
  if (mobile === null) return "";
  const { countryCode, number } = mobile;
  return countryCode === HOME_COUNTRY_CODE ? number : `+${countryCode}${number}`;
}

/** @throws {DomainError} `mobile_invalid` */
export function parseMobileText(text: string): Mobile {
  const typed = plainNumber(text);
  if (!INTERNATIONAL.test(typed)) return parseMobile(HOME_COUNTRY_CODE, typed);
  const found = parsePhoneNumberFromString(typed.replace(INTERNATIONAL, "+"));
  if (!found) throw new DomainError("mobile_invalid");
  return parseMobile(found.countryCallingCode, found.nationalNumber);
}

/**
 * The login name somebody means: of a number its one spelling, where a client has put a country in
 * front of a number that had one, too. Names of one's own begin with a letter and stay.
 */
export function loginNameOf(typed: string): string {
  const plain = plainNumber(typed);
  const doubled = /^(?:\+|00)(\d{1,4}?)(?:\+|00)?(\1\d+)$/.exec(plain);
  const mobile = mobileOrNone(() => parseMobileText(plain)) ??
    (doubled ? mobileOrNone(() => parseMobile(doubled[1]!, doubled[2]!)) : undefined);
  return mobile ? usernameOf(mobile) : typed;
}

/** Whose number somebody may look for. */
export interface SoughtMobiles {
  /** With the country that was typed, or China's. */
  whole: Mobile | undefined;
  /** Without a country: one of the searcher's own; empty: it had one. */
  national: string;
}

export function soughtMobiles(keyword: string): SoughtMobiles {
  const plain = plainNumber(keyword);
  const isInternational = INTERNATIONAL.test(plain);
  const whole = mobileOrNone(() => parseMobileText(plain)) ??
    (isInternational ? undefined : mobileOrNone(() => parseMobileText(`+${plain}`)));
  return { whole, national: isInternational || !/^\d+$/.test(plain) ? "" : plain };
}

function mobileOrNone(parse: () => Mobile): Mobile | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof DomainError) return undefined;
    throw error;
  }
}
