import { DomainError } from "../errors.ts";

/** An app as its calls are checked against. */
export interface App {
  id: number;
  /** Whose users and groups it speaks for: its own, or the house's. */
  tenantId: number;
  /** Keyed hashes of the MD5 of each secret that is good, the newest first. */
  secretHashes: string[];
  /** Addresses its server may call from; null: any. */
  addresses: string[] | null;
}

/** The largest number a partner may give somebody, which is what a JSON number holds. */
export const APP_UID_MAX = Number.MAX_SAFE_INTEGER;
export const NAME_LENGTH_MAX = 64;
export const AVATAR_LENGTH_MAX = 1024;

const TEXT = 1;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * A partner's content as a message's payload. Content that is a payload already stays as it is, so
 * that the chat app shows it for what it is; any other becomes a text. {@link contentOf} gives back
 * exactly what came in.
 */
export function payloadOf(content: string): string {
  const parsed = parse(content);
  const isPayload = isObject(parsed) && Number.isInteger(parsed.type);
  return isPayload && contentOf(content) === content
    ? content
    : JSON.stringify({ type: TEXT, content });
}

/**
 * A message as a partner's client reads it: what the partner sent, the words of a text from the
 * chat app, a group's news in the partner's own form, and any other payload as it is.
 */
export function contentOf(payload: string): string {
  const parsed = parse(payload);
  if (!isObject(parsed)) return payload;
  if (typeof parsed.notification === "string") return parsed.notification;
  const isText = parsed.type === TEXT && typeof parsed.content === "string" &&
    Object.keys(parsed).length === 2;
  return isText ? parsed.content as string : payload;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The numbers somebody was called by, as the contract writes them: digits, or a number.
 *
 * @throws {DomainError} `params_invalid`
 */
export function checkAppUid(appUid: number): void {
  if (!Number.isSafeInteger(appUid) || appUid < 1) throw new DomainError("params_invalid");
}
