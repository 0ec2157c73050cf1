import { errors, Redis, type Requester } from "@upstash/redis";
import { REDIS_TIMEOUT_MS, type RedisTransport } from "./client.ts";

type Call = Parameters<Requester["request"]>[0];

/**
 * The client's wire over HTTPS to Upstash. One try per call: a second one after a lost answer
 * could count twice, or find its own `SET NX` and take it for somebody else's.
 */
export function upstashTransport(account: { url: string; token: string }): RedisTransport {
  const http = httpClient(account);
  const closing = new AbortController();
  const request = async (call: Call): Promise<unknown> => {
    try {
      return await http.request(call.onMessage ? { ...call, signal: endOf(call, closing) } : call);
    } catch (thrown) {
      const error = withoutCommand(thrown, call);
      if (!isRefusal(error)) throw error;
      const answer = { error: error.message };
      return call.path ? (call.body as unknown[]).map(() => answer) : answer;
    }
  };
  return {
    requester: { request: request as Requester["request"] },
    close() {
      closing.abort();
      return Promise.resolve();
    },
  };
}

/**
 * What Redis refuses is an answer on every wire; only this one throws it. An account that is not
 * let in, or has used up its requests, is a Redis that is away.
 */
function isRefusal(error: unknown): error is Error {
  return error instanceof errors.UpstashError &&
    /^[A-Z]+ /.test(error.message) &&
    !/^(WRONGPASS|NOAUTH|ERR max )/.test(error.message);
}

/** The package exports its HTTP client only inside a finished Redis, where it is protected. */
function httpClient({ url, token }: { url: string; token: string }): Requester {
  class Account extends Redis {
    get http(): Requester {
      return this.client;
    }
  }
  return new Account({
    url,
    token,
    enableTelemetry: false,
    // `retry: false` would still try twice.
    retry: { retries: 0 },
    signal: () => AbortSignal.timeout(REDIS_TIMEOUT_MS),
  }).http;
}

/** A subscription ends with its own signal or with the transport. */
function endOf(call: Call, closing: AbortController): AbortSignal {
  return call.signal ? AbortSignal.any([call.signal, closing.signal]) : closing.signal;
}

/** The package repeats the command in its errors; codes and tokens must not reach a log. */
function withoutCommand(error: unknown, call: Call): unknown {
  const tail = `, command was: ${JSON.stringify(call.body)}`;
  if (!(error instanceof errors.UpstashError) || !error.message.endsWith(tail)) return error;
  return new errors.UpstashError(error.message.slice(0, -tail.length));
}
