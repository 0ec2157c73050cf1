import { notifiedAs } from "../messages/content.ts";
import { PAYLOAD_BYTES_MAX } from "../messages/rules.ts";
import type { Fact, FactOf } from "./facts.ts";
import { type ChatSaid, sayChat } from "./say_chat.ts";
import { sayPartner } from "./say_partner.ts";

/** Most people one message names to partners' clients; the chat app shows fewer. */
const NOTIFIED_COUNT_MAX = 100;
/** How many names are tried next when a message is too long. */
const SHRINKING = 0.8;

/** A message that both dialects read. */
export interface Said extends Omit<ChatSaid, "payload"> {
  /** JSON text. */
  payload: string;
}

/**
 * A fact in both readings, inside the same messages, so that both have the same numbers. Of many
 * people so many are named as a message has room for: long names are long in it several times.
 */
export function sayBoth(fact: Fact, of: FactOf): Said[] {
  for (let namedMax = NOTIFIED_COUNT_MAX;; namedMax = Math.floor(namedMax * SHRINKING)) {
    const messages = saidNaming(fact, of, { namedMax });
    if (namedMax <= 1 || messages.every(({ payload }) => isShort(payload))) return messages;
  }
}

function saidNaming(fact: Fact, of: FactOf, limits: { namedMax: number }): Said[] {
  const notified = notifiedAs(sayPartner(fact, of, limits));
  return sayChat(fact, of, limits).map(({ payload, ...said }) => ({
    ...said,
    payload: JSON.stringify({ ...payload, ...notified }),
  }));
}

function isShort(payload: string): boolean {
  return new TextEncoder().encode(payload).length <= PAYLOAD_BYTES_MAX;
}
