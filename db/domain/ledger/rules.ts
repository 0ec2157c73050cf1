import { DomainError } from "../errors.ts";

/** Most one movement may be, 分. */
export const AMOUNT_MAX = 100_000_000;

/** @throws {DomainError} `amount_invalid` for what is not whole 分, none, or too many */
export function checkAmount(amount: number): void {
  if (!Number.isInteger(amount) || amount <= 0 || amount > AMOUNT_MAX) {
    throw new DomainError("amount_invalid");
  }
}

/** JSON with its keys in order: the same input always has the same text, and so the same hash. */
export function canonicalText(input: Record<string, string | number>): string {
  return JSON.stringify(Object.entries(input).sort(([a], [b]) => a < b ? -1 : 1));
}
