import { notifiedAs } from "../messages/content.ts";
import { PAYLOAD_BYTES_MAX } from "../messages/rules.ts";
import type { Fact, FactOf } from "./facts.ts";
import { SERVER_BODY_BYTES_MAX, SERVER_MEMBERS_COUNT_MAX } from "./rules.ts";
import { type ChatSaid, sayChat } from "./say_chat.ts";
import { sayPartner } from "./say_partner.ts";

/** Most people one message names to partners' clients, the chat app shows fewer; and its bytes. */
const IN_HOUSE = { namedMax: 100, bytesMax: PAYLOAD_BYTES_MAX };
/** Of a partner's own group nobody else reads, and each client shows whoever is named. */
const IN_APP = { namedMax: SERVER_MEMBERS_COUNT_MAX, bytesMax: SERVER_BODY_BYTES_MAX };
/** How many names are tried next when a message is too long. */
const SHRINKING = 0.8;

/** A message that both dialects read. */
export interface Said extends Omit<ChatSaid, "payload"> {
  /** JSON text. */
  payload: string;
}

/**
 * A fact in both readings, inside the same messages, so that both have the same numbers. Of many
 * people so many are named as a message has room for: long names are long in it several times. In
 * a partner's own group that is everybody, unless thousands have the longest names.
 */
export function sayBoth(fact: Fact, of: FactOf, { isHouse = true } = {}): Said[] {
  const room = isHouse ? IN_HOUSE : IN_APP;
  for (let namedMax = room.namedMax;; namedMax = Math.floor(namedMax * SHRINKING)) {
    const messages = saidNaming(fact, of, { namedMax });
    const fits = messages.every(({ payload }) => bytesOf(payload) <= room.bytesMax);
    if (namedMax <= 1 || fits) return messages;
  }
}

function saidNaming(fact: Fact, of: FactOf, limits: { namedMax: number }): Said[] {
  const notified = notifiedAs(sayPartner(fact, of, limits));
  return sayChat(fact, of, limits).map(({ payload, ...said }) => ({
    ...said,
    payload: JSON.stringify({ ...payload, ...notified }),
  }));
}

function bytesOf(payload: string): number {
  return new TextEncoder().encode(payload).length;
}
