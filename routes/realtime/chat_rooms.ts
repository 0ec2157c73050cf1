import type { LongInteger } from "../../config/runtime/long_integer.ts";
import type { BusEvent } from "../../db/bus/bus.ts";

type ChatRoomEvent = Extract<BusEvent, { kind: "chat_room" }>;

/** Somebody's connection, as long as it is in a chat room. */
export interface ChatRoomMember {
  readonly connection: { readonly socketId: string; readonly appId: number };
  pass(event: ChatRoomEvent): void;
}

/** Who of this process is in which of the partners' chat rooms; one is where somebody is. */
export class ChatRooms {
  readonly #members = new Map<string, Set<ChatRoomMember>>();

  enter(member: ChatRoomMember, chatRoomId: LongInteger): void {
    const key = keyOf(member.connection.appId, chatRoomId);
    const present = this.#members.get(key) ?? new Set();
    this.#members.set(key, present.add(member));
  }

  leave(member: ChatRoomMember, chatRoomId: LongInteger): void {
    const key = keyOf(member.connection.appId, chatRoomId);
    const present = this.#members.get(key);
    present?.delete(member);
    if (present?.size === 0) this.#members.delete(key);
  }

  pass(event: ChatRoomEvent): void {
    for (const member of this.#members.get(keyOf(event.appId, event.chatRoomId)) ?? []) {
      if (member.connection.socketId !== event.exceptSocket) member.pass(event);
    }
  }
}

/** Apps number their chat rooms themselves, each from where it likes. */
function keyOf(appId: number, chatRoomId: LongInteger): string {
  return `${appId}:${chatRoomId}`;
}
