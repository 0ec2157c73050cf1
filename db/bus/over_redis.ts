import { randomHex32 } from "../../config/keys.ts";
import type { Redis, RedisConnection } from "../redis/client.ts";
import { type Bus, type BusEvent, type BusListener, BusListeners, localBus } from "./bus.ts";

/** Only letters, digits and dashes: the name goes into Upstash's URLs as it is. */
export const BUS_CHANNEL = "plaza-bus";
/** How often a listening process proves to itself that it still hears, ms. */
const HEARTBEAT_MS = 5_000;
/** This many heartbeats unheard mean that the subscription is dead. */
const SILENT_HEARTBEATS_MAX = 3;
/** Events waiting for a Redis that is slow; the oldest beyond it are dropped, being hints. */
const OUTGOING_COUNT_MAX = 10_000;
const BATCH_COUNT_MAX = 500;

export interface BusOptions {
  heartbeatMs?: number;
}

/** The bus for where Redis is: of one process when Redis is inside it, of all of them otherwise. */
export function openBus({ kind, redis }: RedisConnection, options: BusOptions = {}): Bus {
  return kind === "memory" ? localBus() : new RedisBus(redis, options);
}

interface Line {
  from: string;
  event?: BusEvent;
  /** Redis was away for events before this one. */
  hasLost?: boolean;
}

type Subscriber = ReturnType<Redis["subscribe"]>;

/**
 * The bus over Redis pub/sub. Own events are delivered at once and ignored when they come back.
 * Whoever ends an Upstash event stream says nothing about it, so a listening process sends itself
 * heartbeats through Redis and subscribes anew when it hears none; listeners then get
 * `resubscribed` and look for themselves. Nothing is open while nobody listens.
 */
class RedisBus implements Bus {
  readonly #redis: Redis;
  readonly #heartbeatMs: number;
  readonly #listeners = new BusListeners();
  readonly #origin = randomHex32();
  /** What every line of this process begins with: half of all that is heard, which nobody reads. */
  readonly #ownBeginning = JSON.stringify({ from: this.#origin }).slice(0, -1);
  #outgoing: string[] = [];
  #hasLost = false;
  #sending: Promise<void> | undefined;
  #subscriber: Subscriber | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #heardAt = 0;
  #isClosed = false;

  constructor(redis: Redis, { heartbeatMs = HEARTBEAT_MS }: BusOptions) {
    this.#redis = redis;
    this.#heartbeatMs = heartbeatMs;
  }

  publish(event: BusEvent): void {
    if (this.#isClosed) return;
    this.#listeners.deliverSoon(event);
    this.#send({ from: this.#origin, event });
  }

  subscribe(listener: BusListener): () => void {
    const remove = this.#listeners.add(listener);
    if (this.#listeners.count === 1) this.#listen();
    return () => {
      remove();
      if (this.#listeners.count === 0) this.#stopListening();
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#stopListening();
    await this.#sending;
  }

  #listen(): void {
    if (this.#isClosed) return;
    this.#follow();
    this.#timer ??= setInterval(() => this.#beat(), this.#heartbeatMs);
  }

  #stopListening(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#unfollow();
  }

  #beat(): void {
    const silentMs = performance.now() - this.#heardAt;
    if (!this.#subscriber || silentMs > SILENT_HEARTBEATS_MAX * this.#heartbeatMs) this.#follow();
    this.#send({ from: this.#origin });
  }

  #follow(): void {
    this.#unfollow();
    // A new subscription has the whole patience before it, too.
    this.#heardAt = performance.now();
    const subscriber = this.#redis.subscribe<string>(BUS_CHANNEL);
    this.#subscriber = subscriber;
    subscriber.on("subscribe", () => {
      this.#heardAt = performance.now();
      this.#listeners.deliver({ kind: "resubscribed" });
    });
    subscriber.on("message", ({ message }) => this.#hear(message));
    subscriber.on("error", () => {
      if (this.#subscriber === subscriber) this.#unfollow();
    });
  }

  #unfollow(): void {
    this.#subscriber?.unsubscribe().catch(() => {});
    this.#subscriber = undefined;
  }

  #hear(text: string): void {
    this.#heardAt = performance.now();
    if (text.startsWith(this.#ownBeginning)) return;
    const line = parseLine(text);
    if (!line) return;
    if (line.hasLost) this.#listeners.deliver({ kind: "resubscribed" });
    if (line.event) this.#listeners.deliver(line.event);
  }

  #send(line: Line): void {
    if (this.#outgoing.length >= OUTGOING_COUNT_MAX) this.#outgoing.shift();
    this.#outgoing.push(JSON.stringify(line));
    this.#sending ??= this.#sendAll();
  }

  /** One trip after the other, so that events arrive in the order they were published in. */
  async #sendAll(): Promise<void> {
    // Whatever else this turn publishes goes along.
    await Promise.resolve();
    while (this.#outgoing.length > 0) {
      const batch = this.#outgoing.splice(0, BATCH_COUNT_MAX);
      const pipeline = this.#redis.pipeline();
      if (this.#hasLost) {
        pipeline.publish(BUS_CHANNEL, JSON.stringify({ from: this.#origin, hasLost: true }));
      }
      for (const text of batch) pipeline.publish(BUS_CHANNEL, text);
      try {
        await pipeline.exec();
        this.#hasLost = false;
      } catch {
        // Redis is away; once it is back the others are told to look for themselves.
        this.#hasLost = true;
      }
    }
    // In the same turn as the last look, so that nothing can come in between.
    this.#sending = undefined;
  }
}

/** What other software writes on the channel is nobody's event. */
function parseLine(text: string): Line | undefined {
  try {
    const line = JSON.parse(text) as Partial<Line> | null;
    const isOurs = typeof line?.from === "string" &&
      (line.event === undefined || typeof line.event.kind === "string");
    return isOurs ? line as Line : undefined;
  } catch {
    return undefined;
  }
}
