import { z } from "zod";
import { inChina } from "../../db/domain/china_time.ts";
import { Cents, Flag } from "../fields.ts";

/** `response` of the contract: done, nothing more to say. */
export const Done = z.object({ status: z.literal(200), msg: z.string() });
export const done = { status: 200, msg: "" } as const;

/** `response` together with what its purpose needs (docs/contracts/im.md#calling-it). */
export function doneAnd<Shape extends z.ZodRawShape>(shape: Shape) {
  return Done.extend(shape);
}

/** A switch as callers set it, also as text: clients send both. */
export const FlagIn = Flag.transform((value) => value === 1);

/** An amount as callers name it. */
export const CentsIn = Cents;

const PAGE_SIZE_DEFAULT = 15;
const PAGE_SIZE_MAX = 100;
const positive = z.coerce.number().int().positive().optional().catch(undefined);

/**
 * `page_index` from 1 and `page_size`, or as deployed apps spell them; what makes no sense is the
 * default, never an error.
 */
export const PageQuery = z.object({
  page_index: positive.describe("From 1; the default"),
  page_size: positive.describe(`At most ${PAGE_SIZE_MAX}; ${PAGE_SIZE_DEFAULT} by default`),
  pageIndex: positive.describe("The same as `page_index`"),
  pageSize: positive.describe("The same as `page_size`"),
});

export function pageOf(query: z.output<typeof PageQuery>) {
  return {
    pageIndex: query.page_index ?? query.pageIndex ?? 1,
    pageSize: Math.min(query.page_size ?? query.pageSize ?? PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX),
  };
}

/** `yyyy-MM-dd HH:mm:ss` in UTC+8, as the chat app shows times. */
export function timeText(at: Date): string {
  return inChina(at).toISOString().slice(0, 19).replace("T", " ");
}
