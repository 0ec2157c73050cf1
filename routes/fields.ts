import { z } from "zod";
import { nameText } from "../config/runtime/name_text.ts";
import type { CheckParams } from "./refusals.ts";

/** A 32-digit lower hex id: uids, club, room and event ids, group numbers, tokens. */
export const HexId = z.string().regex(/^[a-f0-9]{32}$/);

/** Text in a body; a number is taken for its digits, as form-encoded calls send it anyway. */
export const Text = z.union([z.string(), z.number().transform(String)]);

/** Text of at most `max` characters as people count them (code points), trimmed, not blank. */
export function textUpTo(max: number) {
  return z.string().trim().min(1).refine(...isUpTo(max));
}

/** The same, or nothing at all. */
export function textOrNothingUpTo(max: number) {
  return z.string().trim().refine(...isUpTo(max));
}

/** The check that a text has at most `max` characters, as `refine` takes it. */
export function isUpTo(max: number) {
  const params: CheckParams = { charactersMax: max };
  return [(text: string) => [...text].length <= max, { params }] as const;
}

/** A name of at most `max` characters, which is one line and can be seen. */
export function nameUpTo(max: number) {
  return maybeNameUpTo(max).min(1);
}

/** The same, or empty. */
export function maybeNameUpTo(max: number) {
  return z.string().overwrite(nameText).refine(...isUpTo(max));
}

/** An address of a picture: of the web, or a path of ours as deployed clients send it. */
export function pictureUpTo(max: number) {
  return textUpTo(max).refine(isPicture);
}

/** Whether it may stand in a page: nothing that runs, and nothing that ends an attribute. */
export function isPicture(address: string): boolean {
  const [, scheme] = /^([a-z][a-z0-9+.-]*):/i.exec(address) ?? [];
  return !/["'<>\s\p{Cc}]/u.test(address) &&
    (scheme === undefined || /^https?$/i.test(scheme));
}

/** An amount of money in 分. */
export const Cents = z.number().int().describe("分");

/** Where the parameter stands that a failure is about, for programs. */
export const Field = z.string().optional()
  .describe("Of a wrong parameter: where it stands, as `members.0.uid`");

export const Nothing = z.object({});

/** How the contracts spell a boolean. */
export const Flag = z.literal([0, 1]);

export function flag(on: boolean): 0 | 1 {
  return on ? 1 : 0;
}
