import type { BusEvent } from "../../../db/bus/bus.ts";
import { DomainError } from "../../../db/domain/errors.ts";
import { sayInRoom } from "../../../db/domain/messages/say_in_room.ts";
import { ROOMS_OF_SOCKET_MAX } from "../../../db/domain/messages/sync_rules.ts";
import type { RoomMember } from "../rooms.ts";
import { isTooOften } from "../send.ts";
import type { Sockets } from "../sockets.ts";
import type { Connection } from "../types.ts";
import { AckStatus, type AckStatusCode } from "./incoming.ts";
import type { GobelieveInput } from "./layouts.ts";
import { roomFrameOf } from "./outgoing.ts";

/** The chat rooms one GoBelieve client is in. */
export class GobelieveRooms implements RoomMember {
  readonly connection: Connection;
  readonly #sockets: Sockets;
  readonly #say: (frame: GobelieveInput) => boolean;
  /** In the order they were entered. */
  readonly #entered = new Set<number>();

  constructor(
    connection: Connection,
    sockets: Sockets,
    say: (frame: GobelieveInput) => boolean,
  ) {
    this.connection = connection;
    this.#sockets = sockets;
    this.#say = say;
  }

  enter(roomId: number): void {
    // Left first, so that it is the last one entered.
    this.leave(roomId);
    if (this.#entered.size >= ROOMS_OF_SOCKET_MAX) this.leave([...this.#entered][0]!);
    this.#entered.add(roomId);
    this.#sockets.rooms.enter(this, roomId);
  }

  leave(roomId: number): void {
    if (this.#entered.delete(roomId)) this.#sockets.rooms.leave(this, roomId);
  }

  leaveAll(): void {
    for (const roomId of this.#entered) this.leave(roomId);
  }

  /** Tells everybody else who is in the room; only who is in it is heard. */
  say(roomId: number, content: string | undefined): AckStatusCode {
    const { ctx } = this.#sockets;
    const { userId, appId } = this.connection;
    if (isTooOften(ctx, userId) || content === undefined) return AckStatus.refused;
    if (!this.#entered.has(roomId)) return AckStatus.not_a_member;
    try {
      sayInRoom(ctx, { appId, from: this.connection, roomId, content });
      return AckStatus.ok;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return AckStatus.refused;
    }
  }

  pass(event: Extract<BusEvent, { kind: "room" }>): void {
    this.#say(roomFrameOf(event));
  }
}
