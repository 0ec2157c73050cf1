import type { BusEvent } from "../../db/bus/bus.ts";

type RoomEvent = Extract<BusEvent, { kind: "room" }>;

/** Somebody's connection, as long as it is in a chat room. */
export interface RoomMember {
  readonly connection: { readonly socketId: string; readonly appId: number };
  pass(event: RoomEvent): void;
}

/** Who of this process is in which of the partners' chat rooms; a room is where somebody is. */
export class Rooms {
  readonly #members = new Map<string, Set<RoomMember>>();

  enter(member: RoomMember, roomId: number): void {
    const key = keyOf(member.connection.appId, roomId);
    const present = this.#members.get(key) ?? new Set();
    this.#members.set(key, present.add(member));
  }

  leave(member: RoomMember, roomId: number): void {
    const key = keyOf(member.connection.appId, roomId);
    const present = this.#members.get(key);
    present?.delete(member);
    if (present?.size === 0) this.#members.delete(key);
  }

  pass(event: RoomEvent): void {
    for (const member of this.#members.get(keyOf(event.appId, event.roomId)) ?? []) {
      if (member.connection.socketId !== event.exceptSocket) member.pass(event);
    }
  }
}

/** Apps number their rooms themselves, each from where it likes. */
function keyOf(appId: number, roomId: number): string {
  return `${appId}:${roomId}`;
}
