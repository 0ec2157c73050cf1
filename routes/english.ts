import { type DomainError, type Family, familyOf, type Kind } from "../db/domain/errors.ts";

const FAMILIES: Record<Family, string> = {
  invalid: "This cannot be done as it was sent",
  unauthenticated: "Not logged in, or the login has ended",
  forbidden: "You may not do this",
  not_found: "There is no such thing",
  conflict: "This cannot be done as things are",
  limited: "Too many calls, try again later",
  unavailable: "Not available now, try again later",
  internal: "Something went wrong on our side",
};

/** What operators may be answered, in English; the Chinese stands in `db/domain/errors.ts`. */
const KINDS: Partial<Record<Kind, string>> = {
  request_malformed: "The request cannot be read: parameters are UTF-8, in JSON or a form",
  request_too_large: "The request is too large",
  request_timeout: "The request took too long to arrive",
  params_invalid: "The parameters are not valid",
  path_unknown: "There is nothing here",
  method_not_allowed: "The method is not allowed here",

  auth_code_invalid: "The authorization code is not valid, or has been used",
  operator_no_right: "You may not do this",
  operator_unknown: "You have no access",
  operator_missing: "There is no such operator",
  operator_disabled: "The operator is disabled",
  operator_last_admin: "One admin has to stay",
  operator_mixin_taken: "This Mixin user is another operator already",
  ops_key_missing: "There is no such key",
  mixin_failed: "Mixin is not available now",

  user_missing: "There is no such user",
  account_exists: "Somebody has this mobile number already",
  payment_method_missing: "There is no such payment method",
  group_missing: "There is no such group",
  group_stopped: "The group is stopped",
  message_invalid: "The message is not valid",
  broadcast_missing: "There is no such broadcast",
  operation_conflict: "The same number came before with other content",
  profit_missing: "There is no record with this serial number",
  profit_claimed: "It has been paid out, which cannot be changed",
  recharge_missing: "There is no such recharge",
  withdrawal_missing: "There is no such withdrawal",
  withdrawal_decided: "The withdrawal has been decided already",
  app_missing: "There is no such app",
  job_missing: "There is no such job",
  dead_letter_missing: "There is no such dead letter",
};

/** A failure for those who rather read English than Chinese: in its own words, or its kind's. */
export function englishOf(
  { kind, english }: Pick<DomainError, "kind" | "english">,
  headers: Headers,
): string | undefined {
  if (!prefersEnglish(headers.get("accept-language") ?? "")) return undefined;
  return english ?? KINDS[kind] ?? FAMILIES[familyOf(kind)];
}

/** Languages of a header that are looked at. */
const RANGE_COUNT_MAX = 20;

/** Of two that are wanted as much the first counts. */
function prefersEnglish(acceptLanguage: string): boolean {
  const [best] = acceptLanguage.split(",", RANGE_COUNT_MAX).flatMap((range) => {
    const [, language, quality = "1"] = RANGE.exec(range) ?? [];
    return language === undefined ? [] : [{ language, weight: Number(quality) }];
  }).sort((a, b) => b.weight - a.weight);
  return best !== undefined && best.weight > 0 && best.language.toLowerCase() === "en";
}

const RANGE = /^\s*(en|zh)(?:-[\w-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?$/i;
