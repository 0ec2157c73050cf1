import { DomainError } from "../errors.ts";

/** Largest favourite, bytes of its payload as JSON in UTF-8. */
export const FAVORITE_BYTES_MAX = 16 * 1024;
export const FAVORITE_DEPTH_MAX = 32;
export const FAVORITE_KEY_LENGTH_MAX = 100;

/**
 * Refuses a payload the database would not keep as it is: too large, too deep, or with half of a
 * surrogate pair in it, which is no character.
 * @throws {DomainError} `params_invalid`
 */
export function checkFavoritePayload(payload: Record<string, unknown>): void {
  checkValue(payload, 1);
  if (new TextEncoder().encode(JSON.stringify(payload)).length > FAVORITE_BYTES_MAX) {
    throw new DomainError("params_invalid", { message: "payload 过大" });
  }
}

function checkValue(value: unknown, depth: number): void {
  if (typeof value === "string") checkText(value);
  if (typeof value !== "object" || value === null) return;
  if (depth > FAVORITE_DEPTH_MAX) {
    throw new DomainError("params_invalid", { message: "payload 嵌套过深" });
  }
  for (const [key, inner] of Object.entries(value)) {
    checkText(key);
    checkValue(inner, depth + 1);
  }
}

function checkText(text: string): void {
  if (!text.isWellFormed()) {
    throw new DomainError("params_invalid", { message: "payload 中有不可用的字符" });
  }
}
