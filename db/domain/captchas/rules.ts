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
const MINUTE_MS = 60 * 1000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** One send within a minute, and so many within longer times. */
export interface SendLimits {
  minuteMs: number;
  longer: readonly { count: number; withinMs: number }[];
}

/** Sends to one number, whatever for and whoever asks. */
export const SEND_LIMITS: SendLimits = {
  minuteMs: MINUTE_MS,
  longer: [{ count: 5, withinMs: HOUR_MS }, { count: 10, withinMs: DAY_MS }],
};
/** Beyond those, for who is known to be its owner: strangers cannot spend these. */
export const KNOWN_SEND_LIMITS: SendLimits = {
  minuteMs: MINUTE_MS,
  longer: [{ count: 3, withinMs: DAY_MS }],
};

/** Whose last send a minute is counted from: anybody may ask for two of the codes. */
export function minuteOf(purpose: CaptchaPurpose): string {
  return purpose === "login" || purpose === "register" ? "open" : purpose;
}

/** Six random digits, from a number drawn below 10^6. */
export function codeOf(drawn: number): string {
  return String(drawn).padStart(6, "0");
}

/** What has been sent to a number, ms. */
export interface Sends {
  /** The last that shares the minute. */
  minuteAtMs: number | undefined;
  /** Newest first. */
  sentAtMs: number[];
}

/** Why another code may not be sent after these; undefined when it may. */
export function refusalOf(
  { minuteAtMs, sentAtMs }: Sends,
  limits: SendLimits,
  nowMs: number,
): DomainError | undefined {
  const refusals = [
    { kind: "captcha_too_soon" as const, at: minuteAtMs, withinMs: limits.minuteMs },
    ...limits.longer.map(({ count, withinMs }) => ({
      kind: "captcha_spent" as const,
      at: sentAtMs[count - 1],
      withinMs,
    })),
  ];
  for (const { kind, at, withinMs } of refusals) {
    if (at === undefined || at <= nowMs - withinMs) continue;
    return new DomainError(kind, {
      retryAfterSeconds: Math.ceil((at + withinMs - nowMs) / 1000),
    });
  }
}

/** Calling codes of no country: satellite and other services whose calls cost many times as much. */
const INTERNATIONAL_SERVICE = /^(87\d|88[1238]|979)$/;

/** Where codes go in production unless it is said: nobody pays for the world by mistake. */
export const COUNTRIES_BY_DEFAULT: readonly string[] = ["86"];

/**
 * Whether codes are sent to a number.
 * @param served calling codes, those of North America perhaps with the area; undefined: of any country
 */
export function isServed(
  { countryCode, number }: Mobile,
  served: readonly string[] | undefined,
): boolean {
  if (INTERNATIONAL_SERVICE.test(countryCode)) return false;
  return served?.some((code) => (countryCode + number).startsWith(code)) ?? true;
}
