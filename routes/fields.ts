import { z } from "zod";

/** A 32-digit lower hex id: uids, club, room and event ids, group numbers, tokens. */
export const HexId = z.string().regex(/^[a-f0-9]{32}$/);

/** Text in a body; a number is taken for its digits, as form-encoded calls send it anyway. */
export const Text = z.union([z.string(), z.number().transform(String)]);

/** Text of at most `max` characters as people count them (code points), trimmed, not blank. */
export function textUpTo(max: number) {
  return z.string().trim().min(1, "不能为空").refine(...isUpTo(max));
}

/** The same, or nothing at all. */
export function textOrNothingUpTo(max: number) {
  return z.string().trim().refine(...isUpTo(max));
}

function isUpTo(max: number) {
  const message = `不能超过${max}个字`;
  return [(text: string) => [...text].length <= max, { message }] as const;
}

/** An amount of money in 分. */
export const Cents = z.number().int().describe("分");

export const Nothing = z.object({});

/** How the contracts spell a boolean. */
export const Flag = z.literal([0, 1]);

export function flag(on: boolean): 0 | 1 {
  return on ? 1 : 0;
}
