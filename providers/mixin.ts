export interface MixinUser {
  /** A UUID, lower case. */
  userId: string;
  name: string;
}

/** A group's bot: who speaks, and the keystore it signs with (JSON as Mixin's dashboard gives it). */
export interface MixinBot {
  clientId: string;
  keystore: string;
}

export interface MixinMessage {
  /** A UUID, the same each time this message is sent: Mixin drops repeats by it. */
  id: string;
  to: string;
  text: string;
}

export interface Mixin {
  /**
   * Whose code this is, as the page of Mixin's login handed it out.
   * @throws {MixinRefusedError} for a code that is no good; any other error: perhaps another time
   */
  exchangeCode(code: string): Promise<MixinUser>;
  /**
   * Hands at most {@link messagesPerCall} messages over, all of them or none.
   * @throws {MixinRefusedError} when they never will be taken together; any other error: perhaps
   *   another time
   */
  sendMessages(bot: MixinBot, messages: MixinMessage[]): Promise<void>;
}

/** Mixin understood the call and refused it: making it again is of no use. */
export class MixinRefusedError extends Error {
  override name = "MixinRefusedError";
}

/** Messages, and bytes of them, that Mixin takes in one call (its documentation of `POST /messages`). */
const MESSAGES_COUNT_MAX = 100;
const BODY_BYTES_MAX = 128 * 1024;
/** Five ids and the names of a message's fields, roomily. */
const MESSAGE_FRAME_BYTES = 512;

export function messagesPerCall(text: string): number {
  const bytes = Math.ceil(new TextEncoder().encode(text).length / 3) * 4 + MESSAGE_FRAME_BYTES;
  return Math.max(1, Math.min(MESSAGES_COUNT_MAX, Math.floor(BODY_BYTES_MAX / bytes)));
}
