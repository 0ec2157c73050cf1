import { warmOf } from "../../bus/warm.ts";
import type { Ctx } from "../../client/ctx.ts";
import type { Redis } from "../../redis/client.ts";
import type { Session } from "./session.ts";

/** How long Redis may answer for Postgres, ms; also how long an end is remembered. */
export const SESSION_CACHE_MS = 5 * 60 * 1000;
const ENDED = "ended";
/** Ends that could not be told to Redis yet, per client; at most this many are kept. */
const PENDING_ENDS_MAX = 10_000;
const pendingEnds = new WeakMap<Redis, Set<string>>();

type Pipeline = ReturnType<Redis["pipeline"]>;

/** Sessions this process has let in a moment ago, by the hash of their token. */
export const warmSessions = warmOf<Session>((event) =>
  event.kind === "ended" ? event.tokenHashes : []
);

/** Not whoever is still filling in the profile, so that finishing it shows at once everywhere. */
export function keepWarm(ctx: Pick<Ctx, "bus" | "now">, session: Session): void {
  if (session.hasProfile) warmSessions(ctx).keep(session.tokenHash, session);
}

export function sessionCacheKey(tokenHash: string): string {
  return `session:${tokenHash}`;
}

export function parseCachedSession(cached: string | null): Session | "ended" | undefined {
  if (cached === null) return undefined;
  return cached === ENDED ? "ended" : JSON.parse(cached) as Session;
}

/**
 * Keeps a session read from Postgres. `NX`: an end that was told meanwhile stays. A person who is
 * still filling in the profile is not kept, so that finishing it shows at once everywhere.
 */
export async function rememberSession(redis: Redis, session: Session): Promise<void> {
  if (!session.hasProfile) return;
  await redis.set(sessionCacheKey(session.tokenHash), JSON.stringify(session), {
    nx: true,
    px: SESSION_CACHE_MS,
  });
}

/** Ends sessions everywhere at once: in caches, in processes, and their sockets. After the commit. */
export async function endSessions(
  ctx: Pick<Ctx, "redis" | "bus" | "now">,
  tokenHashes: string[],
): Promise<void> {
  if (tokenHashes.length === 0) return;
  for (const tokenHash of tokenHashes) warmSessions(ctx).drop(tokenHash);
  await endSessionsInCache(ctx.redis, tokenHashes);
  ctx.bus.publish({ kind: "ended", tokenHashes });
}

/**
 * Ends sessions in the cache of every process at once. If Redis is away the ends are kept here and
 * sent along with the next pipeline that gets through ({@link tellPendingEnds}); whatever a dying
 * process forgets runs out after {@link SESSION_CACHE_MS}.
 */
export async function endSessionsInCache(redis: Redis, tokenHashes: string[]): Promise<void> {
  if (tokenHashes.length === 0) return;
  const pipeline = redis.pipeline();
  for (const hash of tokenHashes) tellEnd(pipeline, hash);
  try {
    await pipeline.exec();
  } catch {
    const pending = pendingEnds.get(redis) ?? new Set();
    for (const hash of tokenHashes.slice(0, PENDING_ENDS_MAX - pending.size)) pending.add(hash);
    pendingEnds.set(redis, pending);
  }
}

/**
 * Adds the ends Redis has not heard of to a pipeline, in front of everything else.
 * @returns how many commands were added, and what to call once the pipeline got through
 */
export function tellPendingEnds(redis: Redis, pipeline: Pipeline) {
  const told = [...pendingEnds.get(redis) ?? []];
  for (const hash of told) tellEnd(pipeline, hash);
  return {
    commandCount: told.length,
    done: () => told.forEach((hash) => pendingEnds.get(redis)!.delete(hash)),
  };
}

function tellEnd(pipeline: Pipeline, tokenHash: string) {
  pipeline.set(sessionCacheKey(tokenHash), ENDED, { px: SESSION_CACHE_MS });
}
