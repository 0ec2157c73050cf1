import type { Ctx } from "../../client/ctx.ts";
import { brokenConstraintOf } from "../../client/errors.ts";
import type { Mobile } from "../captchas/rules.ts";
import { DomainError } from "../errors.ts";
import { findHolder } from "./managed_reads.ts";
import { findRepeated } from "./managed_rules.ts";
import { mobileText } from "./mobile_text.ts";

/** A number is one person's, and so is the login name of the chat app that is made of it. */
const ONE_PERSONS = ["users_house_mobile", "chat_accounts_username_unique"];

/** @throws {DomainError} `account_exists` when one call gives two people the same number */
export function refuseRepeatedMobiles(mobiles: Mobile[]): void {
  const repeated = findRepeated(mobiles.map(mobileText));
  if (repeated !== undefined) {
    throw new DomainError("account_exists", {
      message: `手机号${repeated}重复`,
      english: `The number ${repeated} is given twice`,
    });
  }
}

/**
 * Runs `change`; when it fails because somebody has a number already, says whose it is.
 * @throws {DomainError} `account_exists`, and whatever `change` throws
 */
export async function refuseTakenMobile<T>(
  ctx: Ctx,
  { mobiles, ownIds }: { mobiles: Mobile[]; ownIds: number[] },
  change: () => Promise<T>,
): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (!ONE_PERSONS.includes(brokenConstraintOf(error) ?? "")) throw error;
    const holder = await findHolder(ctx, { mobiles, exceptIds: ownIds });
    if (!holder) throw new DomainError("account_exists", { message: "手机号已被其他用户使用" });
    const number = mobileText(holder.mobile);
    throw new DomainError("account_exists", {
      message: `手机号${number}已被用户${holder.id}使用`,
      english: `User ${holder.id} has the number ${number}`,
    });
  }
}
