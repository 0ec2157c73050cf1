import { withoutTrips } from "../config/runtime/trips.ts";
import type { Ctx } from "../db/client/ctx.ts";
import { DomainError } from "../db/domain/errors.ts";
import { noteLife } from "../db/domain/rooms/signs_of_life.ts";
import {
  type GuardKey,
  readSession,
  readSessionAndUseKeys,
  releaseKeys,
} from "../db/domain/sessions/reads.ts";
import { isLive, isOfPartner, type Session } from "../db/domain/sessions/session.ts";
import {
  keepWarm,
  parseCachedSession,
  rememberSession,
  sessionCacheKey,
  tellPendingEnds,
  warmSessions,
} from "../db/domain/sessions/session_cache.ts";
import { isRedisAway } from "../db/redis/client.ts";
import { DELETE_HELD } from "../db/redis/delete_held.ts";
import type { Counter } from "./rate_limit.ts";
import { ratesOf } from "./rates.ts";

export interface Admission {
  /** SHA-256 of the bearer token, if one came along. */
  tokenHash?: string | undefined;
  /** Keys of which none may have been used within its window (the duplicate-call guard). */
  useOnce?: GuardKey[];
  /** Hears how to free the keys that are used now, for when the call fails. */
  onUse?(release: () => Promise<void>): void;
  counters?: Counter[];
  /** Whether a partner client's token is one here too. */
  takesPartners?: boolean;
  /** Answered as `values`. */
  readKeys?: string[];
  /** The operation cannot work without Redis: answer 503 at once when it is away. */
  needsRedis?: boolean | undefined;
}

/**
 * Asks everything a guard needs in one Redis pipeline: the session, and the duplicate-call guard.
 * Rates are counted in this process, and a session let in a moment ago is known to it, so that
 * whoever calls again, and wants nothing done once, waits for no trip (docs/adr/warm-callers.md).
 * Without Redis all is asked of Postgres in one statement.
 *
 * @throws {DomainError} `session_invalid`, `call_repeated`, `rate_exceeded`, `service_unavailable`
 */
export async function admit(ctx: Ctx, admission: Admission): Promise<Session | undefined> {
  return (await admitReading(ctx, admission)).session;
}

/** Counts a call that needs no credentials, by address. */
export async function admitAnybody(
  { ctx, address, counters }: {
    ctx: Ctx;
    address: string;
    counters: (caller: string) => Counter[];
  },
): Promise<undefined> {
  await admit(ctx, { counters: counters(address) });
}

/** {@link admit}, and what `readKeys` hold; no values while there is no Redis to ask. */
export async function admitReading(
  ctx: Ctx,
  admission: Admission,
): Promise<{ session: Session | undefined; values: (string | null)[] | undefined }> {
  const { tokenHash, useOnce = [], counters = [], readKeys = [] } = admission;
  const nowMs = ctx.now().getTime();
  const rates = ratesOf(ctx.redis);
  refuseOver(rates.count(counters, nowMs));
  const warm = tokenHash && !admission.needsRedis ? warmSessions(ctx).get(tokenHash) : undefined;
  const asked: Question = {
    tokenHash: warm ? undefined : tokenHash,
    useOnce,
    holder: useOnce.length > 0 ? crypto.randomUUID() : "",
    readKeys,
  };
  const answer = asked.tokenHash || useOnce.length > 0 || readKeys.length > 0
    ? await ask(ctx, asked, admission)
    : NOTHING_ASKED;
  if (answer === NOTHING_ASKED) rates.tellSoon();
  const session = warm ?? answer.session;
  const isRefused = !session || !isLive(session, nowMs) ||
    isOfPartner(session) && !admission.takesPartners;
  if (tokenHash && isRefused) throw new DomainError("session_invalid");
  // What other processes have counted came along.
  if (answer !== NOTHING_ASKED) refuseOver(rates.overAmong(counters, nowMs));
  if (answer.isRepeated) throw new DomainError("call_repeated");
  if (session) noteLife(ctx, [session.userId]);
  if (session && !warm) keepWarm(ctx, session);
  return { session, values: answer.values };
}

function refuseOver(counter: Counter | undefined): void {
  if (!counter) return;
  throw new DomainError("rate_exceeded", {
    retryAfterSeconds: Math.ceil(counter.windowMs / 1000),
  });
}

interface Question {
  tokenHash: string | undefined;
  useOnce: GuardKey[];
  /** What the keys hold in Redis while they are this call's. */
  holder: string;
  readKeys: string[];
}

interface Answer {
  session: Session | undefined;
  isRepeated: boolean;
  /** Undefined while there is no Redis to ask. */
  values: (string | null)[] | undefined;
}

const NOTHING_ASKED: Answer = { session: undefined, isRepeated: false, values: undefined };

async function ask(ctx: Ctx, asked: Question, admission: Admission): Promise<Answer> {
  try {
    return await askRedis(ctx, asked, admission);
  } catch (error) {
    if (!isRedisAway(error)) throw error;
    // It may have done what it did not answer; nobody waits for it to undo that.
    admission.onUse?.(() => {
      withoutTrips(() => releaseInRedis(ctx, asked)).catch(() => {});
      return Promise.resolve();
    });
    if (admission.needsRedis) throw new DomainError("service_unavailable", { cause: error });
    return await askPostgres(ctx, asked, admission);
  }
}

async function askRedis(
  ctx: Ctx,
  asked: Question,
  { onUse }: Admission,
): Promise<Answer> {
  const { tokenHash, useOnce, holder, readKeys } = asked;
  const pipeline = ctx.redis.pipeline();
  const ends = tellPendingEnds(ctx.redis, pipeline);
  const counts = ratesOf(ctx.redis).addTo(pipeline);
  for (const { key, windowMs } of useOnce) pipeline.set(key, holder, { nx: true, px: windowMs });
  // One command for everything that is only read: hosted Redis is paid by the command.
  const allKeys = tokenHash ? [sessionCacheKey(tokenHash), ...readKeys] : readKeys;
  if (allKeys.length > 0) pipeline.mget(...allKeys);

  const replies = await pipeline.exec<unknown[]>().catch((error) => {
    counts.heard(undefined);
    throw error;
  });
  ends.done();
  replies.splice(0, ends.commandCount);
  counts.heard(replies.splice(0, counts.commandCount));
  const values = allKeys.length > 0 ? replies.pop() as (string | null)[] : [];
  const usedCount = replies.filter((reply) => reply === "OK").length;
  if (usedCount > 0) onUse?.(() => releaseInRedis(ctx, asked));
  const known = tokenHash ? parseCachedSession(values.shift()!) : undefined;
  return {
    session: await sessionBehind(ctx, tokenHash, known),
    isRepeated: usedCount < useOnce.length,
    values,
  };
}

/** One that has ended meanwhile, and is somebody else's by now, stays theirs. */
async function releaseInRedis(ctx: Ctx, { useOnce, holder }: Question): Promise<void> {
  if (useOnce.length === 0) return;
  const pipeline = ctx.redis.pipeline();
  for (const { key } of useOnce) pipeline.eval(DELETE_HELD, [key], [holder]);
  await pipeline.exec();
}

/** A session the cache does not know is read from Postgres, which is the truth, and kept. */
async function sessionBehind(
  ctx: Ctx,
  tokenHash: string | undefined,
  cached: Session | "ended" | undefined,
): Promise<Session | undefined> {
  if (cached === "ended" || tokenHash === undefined) return undefined;
  if (cached) return cached;
  const session = await readSession(ctx, tokenHash);
  if (session) await rememberSession(ctx.redis, session).catch(() => {});
  return session;
}

async function askPostgres(
  ctx: Ctx,
  { tokenHash, useOnce }: Question,
  { onUse }: Admission,
): Promise<Answer> {
  if (!tokenHash && useOnce.length === 0) return { ...NOTHING_ASKED };
  const { session, used } = await readSessionAndUseKeys(ctx, tokenHash, useOnce);
  if (used.length > 0) onUse?.(() => releaseKeys(ctx, used));
  return { session, isRepeated: used.length < useOnce.length, values: undefined };
}
