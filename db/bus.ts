/**
 * What one process tells the others. It is a hint, never the news itself: whoever hears that a
 * person's inbox has grown reads the inbox, and whoever hears nothing looks now and then.
 */
export type BusEvent =
  /** These people's inboxes have reached these numbers. */
  | { kind: "inbox"; heads: { userId: number; seq: number }[] }
  /** A large group's log has grown; its members pull. */
  | { kind: "group"; groupId: number }
  /** Something of the moment that is not kept: typing, online status. */
  | { kind: "moment"; userIds: number[]; channelType: number; channelId: number; payload: string }
  /** A newer login of this kind: older sockets go. */
  | { kind: "kick"; userId: number; deviceFlag: number; exceptSocket: string | undefined };

export interface Bus {
  /** Tells every process, this one included. Best effort: it never throws and nobody waits for it. */
  publish(event: BusEvent): void;
  /** @returns a function that stops listening */
  subscribe(listener: (event: BusEvent) => void): () => void;
  close(): Promise<void>;
}

/** The bus of a single process. */
export function localBus(): Bus {
  const listeners = new Set<(event: BusEvent) => void>();
  return {
    publish(event) {
      // Not in the caller's own turn: what it says has to be committed before anybody looks.
      queueMicrotask(() => {
        for (const listener of listeners) listener(event);
      });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      listeners.clear();
      return Promise.resolve();
    },
  };
}
