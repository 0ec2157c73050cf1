import { sql } from "drizzle-orm";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { type Caller, homeOf } from "../sessions/known_caller.ts";
import type { Guess } from "../sessions/tries.ts";
import {
  CAPTCHA_LIFE_MS,
  CAPTCHA_TRY_COUNT_MAX,
  type CaptchaPurpose,
  type Mobile,
} from "./rules.ts";

export interface CodeGiven extends Caller {
  purpose: CaptchaPurpose;
  mobile: Mobile;
  code: string;
}

/** What tries at a code are counted under: until there is another code. */
export function codeSubject(purpose: CaptchaPurpose, { countryCode, number }: Mobile): string {
  return `code:${purpose}:${countryCode}:${number}`;
}

/** The id of the person whose number it is; null when it is nobody's. */
export function holderOf({ countryCode, number }: Mobile) {
  return sql`(select id from users where app_id = ${HOUSE_APP_ID}
    and country_code = ${countryCode} and mobile = ${number})`;
}

/** Whoever asked for the code is known for it. */
export function codeGuess({ purpose, mobile, ...caller }: CodeGiven): Guess {
  const { countryCode, number } = mobile;
  return {
    subject: codeSubject(purpose, mobile),
    target: `codes:${countryCode}:${number}`,
    countMax: CAPTCHA_TRY_COUNT_MAX,
    windowMs: CAPTCHA_LIFE_MS,
    caller,
    person: holderOf(mobile),
    isNetworkKnown: sql`exists (select from captcha_sends
      where country_code = ${countryCode} and mobile = ${number}
        and asked_from ->> ${purpose}::text = ${homeOf(caller)})`,
  };
}
