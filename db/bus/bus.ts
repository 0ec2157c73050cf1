import type { LongInteger } from "../../config/runtime/long_integer.ts";

/**
 * What one process tells the others. It is a hint, never the news itself: whoever hears that a
 * person's inbox has grown reads the inbox, and whoever hears nothing looks now and then.
 */
export type BusEvent =
  | { kind: "inbox"; heads: { userId: number; seq: number }[] }
  /** A large group's log has grown; its members pull. */
  | { kind: "group"; groupId: number }
  /** Something of the moment that is not kept: typing, online status. */
  | ({ kind: "moment"; userIds: number[] } & Moment)
  /** Something of the moment for whoever is in a partner's chat room. */
  | ({ kind: "chat_room"; appId: number; chatRoomId: LongInteger } & Moment)
  /** A login of this kind at this time (epoch ms): the person's older sockets of the kind go. */
  | { kind: "kick"; userId: number; deviceFlag: number; exceptSocket: string; atMs: number }
  | { kind: "ended"; tokenHashes: string[] }
  /** Somebody was muted in their app's chat rooms, or is no more. */
  | { kind: "room_mute"; userId: number }
  /** A partner's app is another, or none any more. */
  | { kind: "app"; appId: number }
  /** A login by QR code has come further. */
  | { kind: "qr_login"; uuid: string }
  /** Something may have been said meanwhile that nobody here heard. Never published. */
  | { kind: "resubscribed" };

/** A message that is not kept, as its receivers see it. */
export interface Moment {
  messageId: number;
  /** Empty: the system. */
  fromUid: string;
  /** The sender's number in their app; 0: the system. */
  fromId: LongInteger;
  channelType: number;
  /** What receivers call the channel: the other person's uid, or the group's number. */
  channelNo: string;
  /** What partners' clients call it: the other person's number in their app, or the group's id. */
  channelId: LongInteger;
  clientMsgNo: string;
  payload: string;
  redDot: boolean;
  syncOnce: boolean;
  /** Bits of `KeptSetting`; absent: none. */
  setting?: number;
  atMs: number;
  /** The socket it came from, which knows already. */
  exceptSocket?: string;
}

export type BusListener = (event: BusEvent) => void;

export interface Bus {
  /** Tells every process, this one included. Best effort: it never throws and nobody waits for it. */
  publish(event: BusEvent): void;
  /** @returns a function that stops listening */
  subscribe(listener: BusListener): () => void;
  close(): Promise<void>;
}

/** The listeners of this process: all hear everything, in order, whatever one of them throws. */
export class BusListeners {
  readonly #listeners = new Set<{ listener: BusListener }>();

  get count(): number {
    return this.#listeners.size;
  }

  add(listener: BusListener): () => void {
    // Wrapped, so that one function may listen twice and stop once.
    const entry = { listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Not in the caller's own turn: what an event says has to be committed before anybody looks. */
  deliverSoon(event: BusEvent): void {
    queueMicrotask(() => this.deliver(event));
  }

  deliver(event: BusEvent): void {
    for (const { listener } of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        console.error("bus listener failed:", error);
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}

export function localBus(): Bus {
  const listeners = new BusListeners();
  return {
    publish: (event) => listeners.deliverSoon(event),
    subscribe: (listener) => listeners.add(listener),
    close() {
      listeners.clear();
      return Promise.resolve();
    },
  };
}
