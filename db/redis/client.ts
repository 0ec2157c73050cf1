import type { Redis, Requester } from "@upstash/redis";
import type { Config } from "../../config/config.ts";

export type { Redis };

/** How long one trip to Redis may take before the caller goes on without it, ms. */
export const REDIS_TIMEOUT_MS = 700;

export interface RedisConnection {
  redis: Redis;
  kind: Config["redis"]["kind"];
  close(): Promise<void>;
}

export interface RedisTransport {
  requester: Requester;
  close(): Promise<void>;
}

/** Redis did not answer: gone, refusing, or too slow. What to do without it is the caller's rule. */
export class RedisAwayError extends Error {
  override name = "RedisAwayError";
}

export function isRedisAway(error: unknown): boolean {
  return error instanceof RedisAwayError;
}
