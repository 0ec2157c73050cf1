import { parseBoundedJson } from "../../../config/runtime/bounded_json.ts";
import { isPlainWord } from "./rules.ts";

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
 * The same of what a partner's client says: a payload that only the server or a payment makes is
 * words here. {@link contentOf} gives back what came in.
 */
export function payloadSaid(content: string): string {
  const payload = payloadOf(content);
  return isPlainWord(payload) ? payload : JSON.stringify({ type: TEXT, content });
}

/**
 * What a payload carries for partners' clients. The further ones count beside the first alone:
 * content of a partner's own that has a `notification` is never stored as it is.
 */
export interface Notified {
  notification?: string;
  further_notifications?: string[];
}

/** These notifications as a payload carries them, in the order to be read. */
export function notifiedAs([notification, ...further]: string[]): Notified {
  if (notification === undefined) return {};
  return { notification, ...further.length > 0 && { further_notifications: further } };
}

/**
 * All that a partner's client reads of a message, each by itself: a message may tell of several
 * people, a notification of one.
 */
export function contentsOf(payload: string): string[] {
  const parsed = parse(payload);
  const further = isObject(parsed) && typeof parsed.notification === "string"
    ? parsed.further_notifications
    : undefined;
  const texts = Array.isArray(further) ? further.filter((it) => typeof it === "string") : [];
  return [contentOf(payload), ...texts];
}

/**
 * A message as a partner's client reads it: what the partner sent, the words of a text from the
 * chat app, a group's news in the partner's own form, the first of them, and any other payload as
 * it is.
 */
export function contentOf(payload: string): string {
  const parsed = parse(payload);
  if (!isObject(parsed)) return payload;
  if (typeof parsed.notification === "string") return parsed.notification;
  const isText = parsed.type === TEXT && typeof parsed.content === "string" &&
    Object.keys(parsed).length === 2;
  return isText ? parsed.content as string : payload;
}

/** Only objects mean something; most texts are words, and to fail over them takes long. */
function parse(text: string): unknown {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    return parseBoundedJson(text);
  } catch {
    return undefined;
  }
}
