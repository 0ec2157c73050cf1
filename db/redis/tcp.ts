import type { Requester } from "@upstash/redis";
import { DeadlineError, withDeadline } from "../../config/runtime/deadline.ts";
import { REDIS_TIMEOUT_MS, type RedisTransport } from "./client.ts";
import { Refusal, type Reply } from "./replies.ts";
import { Wire } from "./wire.ts";

type Call = Parameters<Requester["request"]>[0];
type Answer = { result: unknown } | { error: string };

/** Shorter than {@link REDIS_TIMEOUT_MS}, so that the first caller learns why, not only that. */
const CONNECT_TIMEOUT_MS = 500;
/** Pause between attempts to connect: doubles from the first to the last, ms. */
const RETRY_MS_MIN = 25;
const RETRY_MS_MAX = 400;

/**
 * The client's wire over TCP to any Redis. Nothing is opened before the first command.
 * While Redis is away commands fail at once, except one per pause, which tries it again: there
 * is no timer to keep a process up, and the first command after Redis is back finds it.
 * No command is sent twice, so one that failed may or may not have been done. What is thrown is
 * always the connection's failure; what Redis refuses is an answer.
 */
export function tcpTransport(url: string): RedisTransport {
  const link = new Link(url);
  const closing = new AbortController();
  const answer = async (call: Call): Promise<unknown> => {
    const body = call.body as unknown[];
    switch (call.path?.[0]) {
      case undefined:
        return (await link.send([body]))[0];
      case "pipeline":
        return await link.send(body as unknown[][]);
      case "multi-exec":
        return transactionAnswers(await link.send([["MULTI"], ...body as unknown[][], ["EXEC"]]));
      case "subscribe": {
        const signals = call.signal ? [call.signal, closing.signal] : [closing.signal];
        return await subscribe(url, {
          channels: call.path.slice(1),
          onMessage: call.onMessage ?? (() => {}),
          signal: AbortSignal.any(signals),
        });
      }
      default:
        throw new Error(`no such path: ${call.path?.join("/")}`);
    }
  };
  return {
    requester: { request: answer as Requester["request"] },
    close() {
      closing.abort();
      return link.close();
    },
  };
}

/** A connection that has answered within {@link CONNECT_TIMEOUT_MS}. */
async function connect(url: string): Promise<Wire> {
  const giveUp = new AbortController();
  try {
    return await withDeadline(
      "redis",
      CONNECT_TIMEOUT_MS,
      () => Wire.open(url, giveUp.signal),
    );
  } catch (error) {
    giveUp.abort();
    throw error;
  }
}

class Link {
  readonly #url: string;
  #wire: Wire | undefined;
  #attempt: Promise<Wire> | undefined;
  #down: { error: unknown; failureCount: number; retryAt: number } | undefined;
  #closed = false;

  constructor(url: string) {
    this.#url = url;
  }

  /** @throws when the connection, not a command, fails */
  async send(commands: unknown[][]): Promise<Answer[]> {
    const wire = this.#wire?.isOpen ? this.#wire : await this.#connected();
    try {
      const words = commands.map((command) => command.map(String));
      const replies = await withDeadline("redis", REDIS_TIMEOUT_MS, () => wire.send(words));
      return replies.map(answerOf);
    } catch (error) {
      // A connection may be lost without a sign; silence is the only one there is.
      if (error instanceof DeadlineError && this.#wire === wire) this.#failed(error);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#drop();
    await this.#attempt?.then((wire) => wire.close(), () => {});
  }

  async #connected(): Promise<Wire> {
    if (this.#closed) throw new Error("redis connection is closed");
    if (this.#down && (this.#attempt || performance.now() < this.#down.retryAt)) {
      throw this.#down.error;
    }
    this.#attempt ??= this.#open().finally(() => this.#attempt = undefined);
    return await this.#attempt;
  }

  async #open(): Promise<Wire> {
    this.#drop();
    try {
      const wire = await connect(this.#url);
      this.#down = undefined;
      return this.#wire = wire;
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  #failed(error: unknown): void {
    this.#drop();
    const failureCount = this.#down?.failureCount ?? 0;
    const pauseMs = Math.min(RETRY_MS_MIN * 2 ** failureCount, RETRY_MS_MAX);
    this.#down = {
      error,
      failureCount: failureCount + 1,
      retryAt: performance.now() + pauseMs,
    };
  }

  #drop(): void {
    this.#wire?.close();
    this.#wire = undefined;
  }
}

function answerOf(reply: Reply): Answer {
  return reply instanceof Refusal ? { error: reply.message } : { result: reply };
}

/** The replies inside EXEC's, or its refusal for each; the ones before only say QUEUED. */
function transactionAnswers(answers: Answer[]): Answer[] {
  const exec = answers.at(-1)!;
  if ("error" in exec) return answers.slice(1, -1).map(() => exec);
  return (exec.result as Reply[]).map(answerOf);
}

interface Subscription {
  channels: string[];
  onMessage: (line: string) => void;
  signal: AbortSignal;
}

/**
 * Follows channels on a connection of its own. Resolves with the first subscription, or throws if
 * there is none; a later loss is mended in the background, and `onMessage` hears `subscribe` again
 * then: what was published in between is gone.
 */
async function subscribe(url: string, subscription: Subscription): Promise<{ result: number }> {
  if (subscription.signal.aborted) return { result: 0 };
  const ended = await follow(url, subscription);
  keepFollowing(url, subscription, ended);
  return { result: subscription.channels.length };
}

/** Answers with a promise of the connection's end, which never rejects. */
async function follow(
  url: string,
  { channels, onMessage, signal }: Subscription,
): Promise<{ ended: Promise<void> }> {
  const wire = await connect(url);
  const stop = () => wire.close();
  signal.addEventListener("abort", stop, { once: true });
  wire.ended.then(() => signal.removeEventListener("abort", stop));
  try {
    if (signal.aborted) stop();
    else await withDeadline("redis", CONNECT_TIMEOUT_MS, () => wire.follow(channels, onMessage));
  } catch (error) {
    stop();
    if (!signal.aborted) throw error;
  }
  return { ended: wire.ended };
}

async function keepFollowing(
  url: string,
  subscription: Subscription,
  first: { ended: Promise<void> },
): Promise<void> {
  let { ended } = first;
  let failureCount = 0;
  while (true) {
    await ended;
    if (subscription.signal.aborted) return;
    try {
      ({ ended } = await follow(url, subscription));
      failureCount = 0;
    } catch {
      await pause(Math.min(RETRY_MS_MIN * 2 ** failureCount++, RETRY_MS_MAX), subscription.signal);
    }
  }
}

/** Ends early, and leaves no timer behind, when `signal` is raised. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal.aborted) done();
    else signal.addEventListener("abort", done, { once: true });
  });
}
