type Listener = (line: string) => void;

/** The channels of one process. Lines have the form the Upstash event stream gives them. */
export class Channels {
  readonly #listeners = new Map<string, Set<Listener>>();

  /** The number of subscribers the text went to. */
  publish(channel: string, text: string): number {
    const listeners = [...this.#listeners.get(channel) ?? []];
    for (const listener of listeners) {
      // Later, so that a subscriber's commands never run in the middle of a transaction.
      queueMicrotask(() => deliver(listener, `message,${channel},${text}`));
    }
    return listeners.length;
  }

  /** Lasts until `signal` says otherwise or the store is closed. */
  async subscribe(
    channels: string[],
    { onMessage, signal }: { onMessage?: Listener; signal?: AbortSignal },
  ): Promise<{ result: number }> {
    // The client attaches its listeners after this call: the first line must not be sooner.
    await Promise.resolve();
    if (!onMessage || signal?.aborted) return { result: 0 };
    // A function of its own per call, so that two subscriptions of one callback stay two.
    const listener: Listener = (line) => {
      if (!signal?.aborted) onMessage(line);
    };
    channels.forEach((channel, i) => {
      const listeners = this.#listeners.get(channel) ?? new Set();
      this.#listeners.set(channel, listeners.add(listener));
      deliver(listener, `subscribe,${channel},${i + 1}`);
    });
    signal?.addEventListener("abort", () => this.#remove(channels, listener), { once: true });
    return { result: channels.length };
  }

  close(): void {
    this.#listeners.clear();
  }

  #remove(channels: string[], listener: Listener): void {
    for (const channel of channels) {
      const listeners = this.#listeners.get(channel);
      listeners?.delete(listener);
      if (listeners?.size === 0) this.#listeners.delete(channel);
    }
  }
}

/** A subscriber that throws must neither fail the publisher nor end the process. */
function deliver(listener: Listener, line: string): void {
  try {
    listener(line);
  } catch (error) {
    console.error("redis subscriber failed:", error);
  }
}
