import type { Redis, Requester } from "@upstash/redis";
import type { Config } from "./config.ts";
import { withDeadline } from "./deadline.ts";
import { trip } from "./trips.ts";

export type { Redis };

/** How long one trip to Redis may take before the caller goes on without it, ms. */
export const REDIS_TIMEOUT_MS = 700;

export interface RedisConnection {
  redis: Redis;
  kind: Config["redis"]["kind"];
  close(): Promise<void>;
}

/** What stands behind the client: the wire is the requester's own affair. */
export interface RedisTransport {
  requester: Requester;
  close(): Promise<void>;
}

/**
 * Opens the one Redis client the code knows, over the transport the configuration names.
 * Values come back as the strings they were sent as (no JSON guessing), every trip is counted,
 * and none takes longer than {@link REDIS_TIMEOUT_MS}. The in-process store expires by `clock`;
 * servers have their own.
 */
export async function openRedis(
  config: Pick<Config, "redis">,
  clock: { now?: () => Date } = {},
): Promise<RedisConnection> {
  const [{ Redis }, transport] = await Promise.all([
    import("@upstash/redis"),
    openTransport(config.redis, clock),
  ]);
  // Given a requester, the package's constructor drops every option, so they are set from inside.
  class PlainRedis extends Redis {
    constructor(requester: Requester) {
      super(requester);
      this.opts = { automaticDeserialization: false };
      this.enableAutoPipelining = false;
      this.enableTelemetry = false;
    }
  }
  const redis = new PlainRedis(counted(transport.requester));
  return { redis, kind: config.redis.kind, close: transport.close };
}

async function openTransport(
  redis: Config["redis"],
  { now }: { now?: () => Date },
): Promise<RedisTransport> {
  switch (redis.kind) {
    case "memory": {
      const { memoryTransport } = await import("./redis_memory.ts");
      return memoryTransport(now && { now: () => now().getTime() });
    }
    case "tcp":
      return (await import("./redis_tcp.ts")).tcpTransport(redis.url);
    case "upstash":
      return (await import("./redis_upstash.ts")).upstashTransport(redis);
  }
}

/** Redis did not answer: gone, refusing, or too slow. What to do without it is the caller's rule. */
export class RedisAwayError extends Error {
  override name = "RedisAwayError";
}

export function isRedisAway(error: unknown): boolean {
  return error instanceof RedisAwayError;
}

/** Counts trips, bounds each, and gives every failure to answer one name. */
function counted(requester: Requester): Requester {
  return {
    request: (call) =>
      trip("redis", async () => {
        // A subscription is one call that stays open on purpose.
        if (call.onMessage) return await requester.request(call);
        try {
          return await withDeadline("redis", REDIS_TIMEOUT_MS, () => requester.request(call));
        } catch (cause) {
          throw new RedisAwayError("redis is away", { cause });
        }
      }),
  };
}
