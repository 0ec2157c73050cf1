import type { Moment } from "../../db/bus/bus.ts";
import type { Asked, Data } from "./codec.ts";

/** A connection whose person is known, as what is said on it sees it. */
export interface Connection {
  readonly socketId: string;
  readonly userId: number;
  readonly uid: string;
  /** The app the person belongs to, and their number in it. */
  readonly appId: number;
  readonly appUid: number;
  readonly isLive: boolean;
  /** Bytes the client has not read yet. */
  readonly unreadBytes: number;
  /** One frame, one WebSocket message. @returns whether it went out */
  say(data: Data | undefined): boolean;
  close(code: number, reason: string): void;
}

/**
 * What is said on one connection once it is known whose it is, in the order of its protocol. Frames
 * are taken and news is sent one after the other, never at once.
 */
export interface Dialogue {
  /** Finds out where the person's inbox stands; before the login is answered. */
  begin(): Promise<void>;
  take(asked: Asked): Promise<void>;
  /** The person's inbox has got this far; Infinity: nobody knows how far. */
  wake(seq: number): void;
  /** Whether there is something to drain. */
  readonly isBehind: boolean;
  /** Sends what is new, one page of it. */
  drain(): Promise<void>;
  /** Sends something that is not kept. */
  pass(moment: Moment): void;
  /** Whether what was sent has been confirmed; if not, the connection ends. */
  checkConfirmed(nowMs: number): void;
  stop(): void;
}
