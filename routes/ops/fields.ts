import { z } from "zod";
import { inChina } from "../../db/domain/china_time.ts";
import { uidIn } from "../../db/domain/groups/managed_rules.ts";

const PAGE_LIMIT_DEFAULT = 20;
const PAGE_LIMIT_MAX = 100;

/** `start` and `limit` of a list; what is out of bounds is an error. */
export function pageQuery(startMax: number) {
  return z.object({
    start: z.coerce.number().int().min(0).max(startMax).default(0)
      .describe("分页参数，起始start是0"),
    limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(PAGE_LIMIT_DEFAULT)
      .describe("分页参数"),
  });
}

/** A page with how many there are on all of them. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ total: z.number().int(), items: z.array(item) });
}

/** RFC 3339 in UTC+8, as the contract's samples have it. */
export function timeText(at: Date): string {
  return inChina(at).toISOString().replace("Z", "+08:00");
}

/** A group's id as a path or a header has it. */
export const GroupId = z.string().regex(/^\d{1,15}$/).transform(Number);

/** A person's id: the uid written as a UUID, or as it is; the uid from then on. */
export const UserId = z.string().max(36).transform((text, context) => {
  const uid = uidIn(text);
  if (uid === undefined) context.addIssue({ code: "custom" });
  return uid ?? z.NEVER;
});
