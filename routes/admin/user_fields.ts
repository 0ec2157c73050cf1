import { z } from "zod";
import { DomainError } from "../../db/domain/errors.ts";
import type { OperatorActor } from "../../db/domain/operators/actor.ts";
import { can } from "../../db/domain/operators/permissions.ts";
import {
  BULK_COUNT_MAX,
  LISTED_COUNT_MAX,
  MOBILE_LENGTH_MAX,
  PAGE_COUNT_MAX,
} from "../../db/domain/users/managed_rules.ts";
import type { ManagedUser, Status } from "../../db/domain/users/managed_user.ts";
import { mobileText, parseMobileText } from "../../db/domain/users/mobile_text.ts";
import { maskPhone, NICKNAME_LENGTH_MAX } from "../../db/domain/users/rules.ts";
import { nameUpTo } from "../fields.ts";

const PAGE_COUNT_DEFAULT = 10;

/** Digits in a path; in a body tables call it a number and samples write a text. */
const UidDigits = z.string().regex(/^\d{1,15}$/);
export const UidParams = z.object({ uid: UidDigits.transform(Number) });
export const Uid = z.union([UidDigits, z.number().int().min(1).transform(String)])
  .transform(Number);

/** The words of the contract's other table. */
const words = { active: 1, suspended: 3, deleted: 4 } as const;
const NO_STATUS = "没有这个状态";

function statusOf(said: Status | keyof typeof words): Status {
  return typeof said === "number" ? said : words[said];
}

/** As a number, or a word. */
export const StatusInput = z.literal([1, 2, 3, 4, "active", "suspended", "deleted"], NO_STATUS)
  .transform(statusOf).describe("1 active, 2 in review, 3 suspended, 4 deleted");
/** Of a list: 0 is any, and absent is active. */
export const StatusFilter = z
  .literal([0, 1, 2, 3, 4, "active", "suspended", "deleted"], NO_STATUS)
  .default(1).transform((said) => said === 0 ? undefined : statusOf(said)).describe("0: any");

export const Name = nameUpTo(NICKNAME_LENGTH_MAX);
const MobileText = z.string().trim().max(MOBILE_LENGTH_MAX)
  .describe("11 digits in China, `+<country><number>` abroad");
export const Mobile = MobileText.transform(mobileOr);
/** Empty: no number any more. */
export const MobileOrNone = MobileText.transform((text, context) =>
  text === "" ? null : mobileOr(text, context)
);

function mobileOr(text: string, context: z.RefinementCtx) {
  try {
    return parseMobileText(text);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    context.addIssue({ code: "custom" });
    return z.NEVER;
  }
}

/** What of somebody an operator may change. */
export const UserEdit = z.object({
  name: Name.optional(),
  mobile: MobileOrNone.optional(),
  exchanger: z.boolean().optional(),
  status: StatusInput.optional(),
});

/** So many of them in one call. */
export function bulkOf<Item extends z.ZodType>(item: Item) {
  return z.array(item).min(1).max(BULK_COUNT_MAX);
}

const Count = z.coerce.number().int().min(1).max(PAGE_COUNT_MAX);

/** Which page: the contract says `per_page` in one place and `limit` in another. */
export const pageFields = {
  page: z.coerce.number().int().min(1).default(1),
  per_page: Count.optional(),
  limit: Count.optional(),
};

interface PageQuery {
  page: number;
  per_page?: number | undefined;
  limit?: number | undefined;
}

/** @throws {DomainError} `params_invalid` further than anybody may page */
export function placeOf({ page, per_page, limit = PAGE_COUNT_DEFAULT }: PageQuery) {
  const count = per_page ?? limit;
  if (page * count > LISTED_COUNT_MAX) {
    throw new DomainError("params_invalid", {
      message: `只能查看前${LISTED_COUNT_MAX}条`,
      english: `Only the first ${LISTED_COUNT_MAX} can be listed`,
    });
  }
  return { start: (page - 1) * count, limit: count };
}

export const UserRecord = z.object({
  uid: z.string(),
  name: z.string(),
  mobile: z.string().describe(
    "Masked to those who may not read it; empty: none; of the deleted: what it was",
  ),
  status: z.number().int().describe("1 active, 2 in review, 3 disabled, 4 deleted"),
  exchanger: z.boolean(),
  parent_uid: z.string().describe("0: nobody"),
  ctime: z.number().int().describe("ms"),
  utime: z.number().int(),
  ltime: z.number().int().describe("0: has never logged in"),
  dtime: z.number().int().describe("0: not deleted"),
});

export function userRecord(user: ManagedUser, reader: OperatorActor): z.input<typeof UserRecord> {
  const mobile = user.mobile ?? user.freedMobile;
  const isFull = can(reader.role, "users.read_full");
  const shown = isFull || !mobile ? mobile : { ...mobile, number: maskPhone(mobile.number) };
  return {
    uid: String(user.id),
    name: user.name,
    mobile: mobileText(shown),
    status: user.status,
    exchanger: user.exchanger,
    parent_uid: String(user.parentId ?? 0),
    ctime: user.createdAt.getTime(),
    utime: user.updatedAt.getTime(),
    ltime: user.lastLoginAt?.getTime() ?? 0,
    dtime: user.deletedAt?.getTime() ?? 0,
  };
}
