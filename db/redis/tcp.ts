import type { Requester } from "@upstash/redis";
import { createClient, ErrorReply } from "redis";
import { DeadlineError, withDeadline } from "../../config/runtime/deadline.ts";
import { REDIS_TIMEOUT_MS, type RedisTransport } from "./client.ts";

type Call = Parameters<Requester["request"]>[0];
type Answer = { result: unknown } | { error: string };

/** Shorter than {@link REDIS_TIMEOUT_MS}, so that the first caller learns why, not only that. */
const CONNECT_TIMEOUT_MS = 500;
/** Pause between attempts to connect: doubles from the first to the last, ms. */
const RETRY_MS_MIN = 25;
const RETRY_MS_MAX = 400;
/** Commands waiting for a Redis that has stopped answering; beyond it they are refused. */
const PENDING_COMMANDS_MAX = 10_000;

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

function newClient(url: string) {
  const client = createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    disableClientInfo: true,
    commandsQueueMaxLength: PENDING_COMMANDS_MAX,
    // The package's own deadline costs a timer per command; ours covers a whole pipeline.
    commandOptions: { timeout: 0 },
    // It would reconnect by timers that cannot be cancelled; Link and subscribe() do it instead.
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false },
  });
  // Without a listener a lost connection would end the process; callers get the error anyway.
  client.on("error", () => {});
  return client;
}

type Client = ReturnType<typeof newClient>;

/** A client that has answered; anything less is torn down before the error is passed on. */
async function connect(url: string): Promise<Client> {
  const client = newClient(url);
  try {
    // A stopped process still accepts connections, so only an answer proves that Redis is there.
    await withDeadline("redis", CONNECT_TIMEOUT_MS, async () => {
      await client.connect();
      await client.ping();
    });
    return client;
  } catch (error) {
    client.destroy();
    throw error;
  }
}

class Link {
  readonly #url: string;
  #client: Client | undefined;
  #attempt: Promise<Client> | undefined;
  #down: { error: unknown; failureCount: number; retryAt: number } | undefined;
  #closed = false;

  constructor(url: string) {
    this.#url = url;
  }

  /** @throws when the connection, not a command, fails */
  async send(commands: unknown[][]): Promise<Answer[]> {
    const client = this.#client?.isReady ? this.#client : await this.#connected();
    try {
      return await withDeadline("redis", REDIS_TIMEOUT_MS, () => {
        const sent = commands.map((command) => client.sendCommand(command.map(String)));
        return Promise.all(sent.map(itemAnswer));
      });
    } catch (error) {
      // A connection may be lost without a sign; silence is the only one there is.
      if (error instanceof DeadlineError && this.#client === client) this.#failed(error);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#drop();
    await this.#attempt?.then((client) => client.destroy(), () => {});
  }

  async #connected(): Promise<Client> {
    if (this.#closed) throw new Error("redis connection is closed");
    if (this.#down && (this.#attempt || performance.now() < this.#down.retryAt)) {
      throw this.#down.error;
    }
    this.#attempt ??= this.#open().finally(() => this.#attempt = undefined);
    return await this.#attempt;
  }

  async #open(): Promise<Client> {
    this.#drop();
    try {
      const client = await connect(this.#url);
      this.#down = undefined;
      return this.#client = client;
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
    this.#client?.destroy();
    this.#client = undefined;
  }
}

/** What Redis refuses is an answer; only a failure of the connection is thrown. */
async function itemAnswer(reply: Promise<unknown>): Promise<Answer> {
  try {
    return { result: await reply };
  } catch (error) {
    if (error instanceof ErrorReply) return { error: error.message };
    throw error;
  }
}

/** The replies inside EXEC's, or its refusal for each; the ones before only say QUEUED. */
function transactionAnswers(answers: Answer[]): Answer[] {
  const exec = answers.at(-1)!;
  if ("error" in exec) return answers.slice(1, -1).map(() => exec);
  return (exec.result as unknown[]).map((reply) =>
    reply instanceof ErrorReply ? { error: reply.message } : { result: reply }
  );
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
  const client = await connect(url);
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const stop = () => {
    client.destroy();
    end();
  };
  client.once("terminated", stop);
  signal.addEventListener("abort", stop, { once: true });
  ended.then(() => signal.removeEventListener("abort", stop));
  try {
    if (signal.aborted) stop();
    else await listen(client, channels, onMessage);
  } catch (error) {
    stop();
    if (!signal.aborted) throw error;
  }
  return { ended };
}

async function listen(client: Client, channels: string[], onMessage: (line: string) => void) {
  await withDeadline(
    "redis",
    CONNECT_TIMEOUT_MS,
    () => client.subscribe(channels, (text, channel) => onMessage(`message,${channel},${text}`)),
  );
  channels.forEach((channel, i) => onMessage(`subscribe,${channel},${i + 1}`));
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
