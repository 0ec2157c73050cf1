import { DomainError } from "../errors.ts";

/** Most items a page of the gateway may have (docs/contracts/gateway.md#calling-it). */
export const PAGE_COUNT_MAX = 100;

export interface Cursor {
  at: Date;
  id: string;
}

/** `<ms>:<id>`, the gateway's `sequenceId`. */
export function cursorText({ at, id }: Cursor): string {
  return `${at.getTime()}:${id}`;
}

/**
 * Reads what {@link cursorText} wrote; empty or absent means the first page.
 * @throws {DomainError} `params_invalid`
 */
export function parseCursor(text: string | undefined): Cursor | undefined {
  if (!text) return undefined;
  const match = /^(\d{1,15}):([a-f0-9]{1,32})$/.exec(text);
  if (!match) throw new DomainError("params_invalid", { message: "分页位置不正确" });
  return { at: new Date(Number(match[1])), id: match[2]! };
}
