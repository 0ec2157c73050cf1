import { DomainError } from "../errors.ts";

/** Largest favourite, bytes of its payload as JSON in UTF-8. */
export const FAVORITE_BYTES_MAX = 16 * 1024;
export const FAVORITE_KEY_LENGTH_MAX = 100;

/** @throws {DomainError} `params_invalid` for a payload too large to keep */
export function checkFavoritePayload(payload: Record<string, unknown>): void {
  if (new TextEncoder().encode(JSON.stringify(payload)).length > FAVORITE_BYTES_MAX) {
    throw new DomainError("params_invalid", { message: "收藏的内容过大" });
  }
}
