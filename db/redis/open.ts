import type { Requester } from "@upstash/redis";
import type { Config } from "../../config/config.ts";
import { withDeadline } from "../../config/runtime/deadline.ts";
import { trip } from "../../config/runtime/trips.ts";
import {
  REDIS_TIMEOUT_MS,
  RedisAwayError,
  type RedisConnection,
  type RedisTransport,
} from "./client.ts";

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
      const { memoryTransport } = await import("./memory/transport.ts");
      return memoryTransport(now && { now: () => now().getTime() });
    }
    case "tcp":
      return (await import("./tcp.ts")).tcpTransport(redis.url);
    case "upstash":
      return (await import("./upstash.ts")).upstashTransport(redis);
  }
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
