import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { BusEvent } from "../../../db/bus/bus.ts";
import { DomainError } from "../../../db/domain/errors.ts";
import { sayInChatRoom } from "../../../db/domain/messages/say_in_chat_room.ts";
import { isRoomMuted } from "../../../db/domain/partners/room_mutes.ts";
import { CHAT_ROOMS_OF_SOCKET_MAX } from "../../../db/domain/messages/sync_rules.ts";
import type { ChatRoomMember } from "../chat_rooms.ts";
import type { Sockets } from "../sockets.ts";
import type { Connection } from "../types.ts";
import { AckStatus, type AckStatusCode } from "./incoming.ts";
import type { GobelieveInput } from "./layouts.ts";
import { chatRoomFrameOf } from "./outgoing.ts";

/** The chat rooms one GoBelieve client is in. */
export class GobelieveChatRooms implements ChatRoomMember {
  readonly connection: Connection;
  readonly #sockets: Sockets;
  readonly #say: (frame: GobelieveInput) => boolean;
  /** In the order they were entered. */
  readonly #entered = new Set<LongInteger>();

  constructor(
    connection: Connection,
    sockets: Sockets,
    say: (frame: GobelieveInput) => boolean,
  ) {
    this.connection = connection;
    this.#sockets = sockets;
    this.#say = say;
  }

  enter(chatRoomId: LongInteger): void {
    // Left first, so that it is the last one entered.
    this.leave(chatRoomId);
    if (this.#entered.size >= CHAT_ROOMS_OF_SOCKET_MAX) this.leave([...this.#entered][0]!);
    this.#entered.add(chatRoomId);
    this.#sockets.chatRooms.enter(this, chatRoomId);
  }

  leave(chatRoomId: LongInteger): void {
    if (this.#entered.delete(chatRoomId)) this.#sockets.chatRooms.leave(this, chatRoomId);
  }

  leaveAll(): void {
    for (const chatRoomId of this.#entered) this.leave(chatRoomId);
  }

  /** Tells everybody else who is in the chat room; only who is in it and not muted is heard. */
  async say(chatRoomId: LongInteger, content: string | undefined): Promise<AckStatusCode> {
    const { ctx } = this.#sockets;
    const { appId, userId } = this.connection;
    if (content === undefined) return AckStatus.refused;
    if (!this.#entered.has(chatRoomId)) return AckStatus.not_a_member;
    try {
      if (await isRoomMuted(ctx, userId)) return AckStatus.refused;
      sayInChatRoom(ctx, { appId, from: this.connection, chatRoomId, content });
      return AckStatus.ok;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return AckStatus.refused;
    }
  }

  pass(event: Extract<BusEvent, { kind: "chat_room" }>): void {
    this.#say(chatRoomFrameOf(event));
  }
}
