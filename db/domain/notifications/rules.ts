import { DomainError } from "../errors.ts";

/** Most people one call tells something; who has more to tell does it in several. */
export const NOTIFY_COUNT_MAX = 200;

/** @throws {DomainError} `params_invalid`; empty or absent is the first page */
export function parseNotificationId(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const id = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(id)) {
    throw new DomainError("params_invalid", { message: "分页位置不正确" });
  }
  return id;
}
