import type { Ctx } from "../db/client/ctx.ts";
import { DomainError } from "../db/domain/errors.ts";
import { type GuardKey, readSession, readSessionAndUseKeys } from "../db/domain/sessions/reads.ts";
import { isLive, isOfPartner, type Session } from "../db/domain/sessions/session.ts";
import {
  parseCachedSession,
  rememberSession,
  sessionCacheKey,
  tellPendingEnds,
} from "../db/domain/sessions/session_cache.ts";
import { isRedisAway } from "../db/redis/client.ts";
import { type Counter, countLocally, isOver, windowsAt } from "./rate_limit.ts";

export interface Admission {
  /** SHA-256 of the bearer token, if one came along. */
  tokenHash?: string | undefined;
  /** Keys of which none may have been used within its window (the duplicate-call guard). */
  useOnce?: GuardKey[];
  counters?: Counter[];
  /** Whether a partner client's token is one here too. */
  takesPartners?: boolean;
  /** Answered as `values`. */
  readKeys?: string[];
  /** The operation cannot work without Redis: answer 503 at once when it is away. */
  needsRedis?: boolean | undefined;
}

/**
 * Asks everything a guard needs in one Redis pipeline: the session, the duplicate-call guard and
 * the rates. Without Redis the first two are asked of Postgres in one statement, and rates are
 * counted in this process.
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
  const nowMs = ctx.now().getTime();
  let verdict: Verdict;
  try {
    verdict = await askRedis(ctx, admission, nowMs);
  } catch (error) {
    if (!isRedisAway(error)) throw error;
    if (admission.needsRedis) throw new DomainError("service_unavailable", { cause: error });
    verdict = await askPostgres(ctx, admission, nowMs);
  }
  const { session } = verdict;
  const isRefused = !session || !isLive(session, nowMs) ||
    isOfPartner(session) && !admission.takesPartners;
  if (admission.tokenHash && isRefused) throw new DomainError("session_invalid");
  if (verdict.overCounter) {
    const retryAfterSeconds = Math.ceil(verdict.overCounter.windowMs / 1000);
    throw new DomainError("rate_exceeded", { retryAfterSeconds });
  }
  if (!verdict.unused) throw new DomainError("call_repeated");
  return { session, values: verdict.values };
}

interface Verdict {
  session: Session | undefined;
  unused: boolean;
  overCounter: Counter | undefined;
  values: (string | null)[] | undefined;
}

const NOTHING_ASKED: Verdict = {
  session: undefined,
  unused: true,
  overCounter: undefined,
  values: undefined,
};

async function askRedis(ctx: Ctx, admission: Admission, nowMs: number): Promise<Verdict> {
  const { tokenHash, useOnce = [], counters = [], readKeys: askedKeys = [] } = admission;
  const windows = counters.map((counter) => ({ counter, ...windowsAt(counter, nowMs) }));
  const readKeys = [...askedKeys, ...windows.map(({ previous }) => previous)];
  if (tokenHash) readKeys.unshift(sessionCacheKey(tokenHash));

  const pipeline = ctx.redis.pipeline();
  const ends = tellPendingEnds(ctx.redis, pipeline);
  for (const { key, windowMs } of useOnce) pipeline.set(key, "1", { nx: true, px: windowMs });
  for (const { counter, current } of windows) {
    pipeline.incr(current);
    pipeline.pexpire(current, counter.windowMs * 2);
  }
  // One command for everything that is only read: hosted Redis is paid by the command.
  if (readKeys.length > 0) pipeline.mget(...readKeys);
  if (pipeline.length() === 0) return NOTHING_ASKED;

  const replies = (await pipeline.exec<unknown[]>()).slice(ends.commandCount);
  ends.done();
  const read = readKeys.length > 0 ? replies.pop() as (string | null)[] : [];
  const known = tokenHash ? parseCachedSession(read.shift()!) : undefined;
  const values = read.splice(0, askedKeys.length);
  const unused = replies.splice(0, useOnce.length).every((reply) => reply === "OK");
  const overCounter = windows.find(({ counter, previousWeight }, at) =>
    isOver(counter, {
      current: Number(replies[at * 2]),
      previous: Number(read[at] ?? 0),
      previousWeight,
    })
  )?.counter;
  return { session: await sessionBehind(ctx, tokenHash, known), unused, overCounter, values };
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

async function askPostgres(ctx: Ctx, admission: Admission, nowMs: number): Promise<Verdict> {
  const { tokenHash, useOnce = [], counters = [] } = admission;
  const overCounter = counters.find((counter) => countLocally(counter, nowMs));
  if (!tokenHash && useOnce.length === 0) return { ...NOTHING_ASKED, overCounter };
  return {
    ...await readSessionAndUseKeys(ctx, tokenHash, useOnce),
    overCounter,
    values: undefined,
  };
}
