import { randomHex32 } from "../../../config/keys.ts";
import { withDeadline } from "../../../config/runtime/deadline.ts";
import type { Ctx } from "../../client/ctx.ts";
import { isRedisAway } from "../../redis/client.ts";
import { DomainError } from "../errors.ts";

/** Where tickets come from: the WeChat provider. Fetches are few a day, so they are shared. */
export interface JsapiTicketSource {
  appId: string;
  jsapiTicket(): Promise<{ ticket: string; expiresInSeconds: number }>;
}

/** A ticket is given up this long before WeChat does, so that pages have time to use it, ms. */
const SPARE_MS = 300_000;
/** How long a fetch, two calls to WeChat, may take; the lock outlives it, ms. */
const FETCH_TIMEOUT_MS = 9_000;
const LOCK_MS = 12_000;
/** How long and how often others look for the ticket somebody is fetching, ms. */
const WAIT_MS = 10_000;
const LOOK_MS = 100;

interface Kept {
  ticket: string;
  expiresAtMs: number;
}

/** Per source: the fetch under way in this process, and the ticket kept while Redis is away. */
const local = new WeakMap<JsapiTicketSource, { fetching?: Promise<string>; kept?: Kept }>();

/**
 * A ticket good for at least five minutes. However many ask, in however many processes, one
 * fetches it and the others take theirs from Redis; without Redis each process fetches its own.
 * @throws {DomainError} `wechat_failed`
 */
export async function readJsapiTicket(ctx: Ctx, source: JsapiTicketSource): Promise<string> {
  const state = local.get(source) ?? {};
  local.set(source, state);
  try {
    const ticket = await ctx.redis.get<string>(keysOf(source).ticket);
    if (ticket) return ticket;
    return await (state.fetching ??= obtain(ctx, source).finally(() => delete state.fetching));
  } catch (error) {
    if (!isRedisAway(error)) throw error;
  }
  const { kept } = state;
  if (kept && kept.expiresAtMs > ctx.now().getTime()) return kept.ticket;
  state.fetching ??= fetchTicket(ctx, source).then((fetched) => (state.kept = fetched).ticket)
    .finally(() => delete state.fetching);
  return await state.fetching;
}

function keysOf({ appId }: JsapiTicketSource) {
  return { ticket: `wechat:ticket:${appId}`, lock: `wechat:ticket:${appId}:lock` };
}

/** Fetches under the lock, or waits for whoever holds it; if they fail, the lock is free again. */
async function obtain(ctx: Ctx, source: JsapiTicketSource): Promise<string> {
  const keys = keysOf(source);
  const endsAt = performance.now() + WAIT_MS;
  do {
    const isOurs = await ctx.redis.set(keys.lock, randomHex32(), { nx: true, px: LOCK_MS });
    if (isOurs) {
      // Fetched by somebody else between our look and the lock.
      const found = await ctx.redis.get<string>(keys.ticket);
      try {
        return found ?? await fetchAndKeep(ctx, source);
      } finally {
        await ctx.redis.del(keys.lock).catch(() => {});
      }
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const ticket = await ctx.redis.get<string>(keys.ticket);
    if (ticket) return ticket;
  } while (performance.now() < endsAt);
  throw new DomainError("wechat_failed");
}

async function fetchAndKeep(ctx: Ctx, source: JsapiTicketSource): Promise<string> {
  const { ticket, expiresAtMs } = await fetchTicket(ctx, source);
  const lifeMs = expiresAtMs - ctx.now().getTime();
  // Good also when it cannot be kept.
  if (lifeMs > 0) {
    await ctx.redis.set(keysOf(source).ticket, ticket, { px: lifeMs }).catch(() => {});
  }
  return ticket;
}

async function fetchTicket(ctx: Ctx, source: JsapiTicketSource): Promise<Kept> {
  try {
    const { ticket, expiresInSeconds } = await withDeadline(
      "WeChat",
      FETCH_TIMEOUT_MS,
      () => source.jsapiTicket(),
    );
    return { ticket, expiresAtMs: ctx.now().getTime() + expiresInSeconds * 1000 - SPARE_MS };
  } catch (cause) {
    throw new DomainError("wechat_failed", { cause });
  }
}
