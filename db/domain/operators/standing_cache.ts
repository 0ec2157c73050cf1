import type { Redis } from "../../redis/client.ts";
import type { KeyStanding, Standing } from "./admit.ts";

/** How long Redis may answer for Postgres, ms; also how long an end is remembered. */
export const STANDING_CACHE_MS = 60 * 1000;
/** Longer than anything cached before the change may live. */
const CHANGED_MS = 2 * STANDING_CACHE_MS;
const ENDED = "ended";

const tokenKey = (jti: string) => `operator-standing:${jti}`;
const changedKey = (operatorId: number) => `operator-changed:${operatorId}`;
const opsKeyKey = (keyId: string) => `ops-key-standing:${keyId}`;
const opsKeyChangedKey = (keyId: string) => `ops-key-changed:${keyId}`;

type Cached<T> = T | "ended" | undefined;

/** Which keys to read for a token, and what their values mean. */
export function standingInCache({ operatorId, jti }: { operatorId: number; jti: string }) {
  return {
    keys: [tokenKey(jti), changedKey(operatorId)],
    parse([standing, changed]: (string | null)[]): Cached<Standing> {
      const cached = parse<Standing>(standing);
      // Whatever was cached for any of the operator's tokens may be from before the change.
      return changed !== null && cached !== ENDED ? undefined : cached;
    },
    /** `NX`: an end that was told meanwhile stays. */
    remember: (redis: Redis, standing: Standing) => remember(redis, tokenKey(jti), standing),
  };
}

export function keyStandingInCache(keyId: string) {
  return {
    keys: [opsKeyKey(keyId), opsKeyChangedKey(keyId)],
    parse: ([standing, changed]: (string | null)[]): Cached<KeyStanding> =>
      changed === null ? parse(standing) : undefined,
    remember: (redis: Redis, standing: KeyStanding) => remember(redis, opsKeyKey(keyId), standing),
  };
}

function parse<T>(cached: string | null | undefined): Cached<T> {
  if (cached === null || cached === undefined) return undefined;
  return cached === ENDED ? ENDED : JSON.parse(cached) as T;
}

async function remember(redis: Redis, key: string, standing: Standing | KeyStanding) {
  await redis.set(key, JSON.stringify(standing), { nx: true, px: STANDING_CACHE_MS });
}

/**
 * Ends are told after the commit. With Redis away nobody asks it, so they hold at once as well;
 * one that comes back with what it knew before may be believed for {@link STANDING_CACHE_MS}.
 */
export async function endTokenInCache(redis: Redis, jti: string): Promise<void> {
  await redis.set(tokenKey(jti), ENDED, { px: STANDING_CACHE_MS }).catch(() => {});
}

/** Nothing cached of any of the operator's tokens is believed from now on. */
export async function tellOperatorChanged(redis: Redis, operatorId: number): Promise<void> {
  await redis.set(changedKey(operatorId), "1", { px: CHANGED_MS }).catch(() => {});
}

/** Nothing cached of the key is believed from now on. */
export async function tellKeyChanged(redis: Redis, keyId: string): Promise<void> {
  await redis.set(opsKeyChangedKey(keyId), "1", { px: CHANGED_MS }).catch(() => {});
}
