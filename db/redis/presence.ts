import { chunksOf } from "../../config/runtime/chunks.ts";
import type { Ctx } from "../client/ctx.ts";
import { isRedisAway } from "./client.ts";

/** How long a socket counts as there without saying so again, ms: a killed process says nothing. */
export const PRESENCE_TTL_MS = 150_000;
export const PRESENCE_REFRESH_MS = 60_000;
/** How long the time somebody went is remembered, ms. */
const LAST_SEEN_MS = 30 * 24 * 60 * 60 * 1000;
const BATCH_COUNT_MAX = 500;

type PresenceCtx = Pick<Ctx, "redis" | "now">;

export interface PresentSocket {
  userId: number;
  socketId: string;
  /** 0 app, 1 web, 2 desktop. */
  deviceFlag: number;
}

export interface Presence {
  online: boolean;
  /** Of the socket that is there, the app before others; of the last one when nobody is. */
  deviceFlag: number;
  /** Of all sockets that are there, ascending. */
  deviceFlags: number[];
  /** Known for thirty days, and only of people who are not there. */
  lastOfflineAt: Date | undefined;
}

const socketsKey = (userId: number) => `presence:${userId}`;
/** There while friends have been told that somebody is; it ends with their last socket. */
const toldKey = (userId: number) => `presence:told:${userId}`;
const lastKey = (userId: number) => `presence:last:${userId}`;

/** In one trip. While Redis is away nobody is known to be there. */
export async function readOnline(
  ctx: PresenceCtx,
  userIds: number[],
): Promise<Map<number, Presence>> {
  const found = new Map<number, Presence>();
  if (userIds.length === 0) return found;
  const nowMs = ctx.now().getTime();
  const pipeline = ctx.redis.pipeline();
  for (const userId of userIds) {
    pipeline.zrange(socketsKey(userId), `(${nowMs}`, "+inf", { byScore: true });
  }
  pipeline.mget(...userIds.map(lastKey));
  let replies: unknown[] = [];
  try {
    replies = await pipeline.exec<unknown[]>();
  } catch (error) {
    if (!isRedisAway(error)) throw error;
  }
  const lasts = (replies[userIds.length] ?? []) as (string | null)[];
  userIds.forEach((userId, at) => {
    found.set(userId, presenceOf((replies[at] ?? []) as string[], lasts[at] ?? undefined));
  });
  return found;
}

/**
 * With which kinds of devices (`PresentSocket.deviceFlag`) these people are there, of those who are.
 *
 * @throws {RedisAwayError} nobody knows
 */
export async function readDeviceFlags(
  ctx: PresenceCtx,
  userIds: number[],
): Promise<Map<number, Set<number>>> {
  const found = new Map<number, Set<number>>();
  for (const batch of chunksOf(userIds, BATCH_COUNT_MAX)) {
    const nowMs = ctx.now().getTime();
    const pipeline = ctx.redis.pipeline();
    for (const userId of batch) {
      pipeline.zrange(socketsKey(userId), `(${nowMs}`, "+inf", { byScore: true });
    }
    const replies = await pipeline.exec<string[][]>();
    batch.forEach((userId, at) => {
      const sockets = replies[at]!;
      if (sockets.length > 0) found.set(userId, new Set(sockets.map(deviceFlagOf)));
    });
  }
  return found;
}

function presenceOf(sockets: string[], last: string | undefined): Presence {
  if (sockets.length > 0) {
    const deviceFlags = sockets.map(deviceFlagOf).sort();
    return { online: true, deviceFlag: deviceFlags[0]!, deviceFlags, lastOfflineAt: undefined };
  }
  const [deviceFlag, atMs] = (last ?? "0:").split(":");
  return {
    online: false,
    deviceFlag: Number(deviceFlag),
    deviceFlags: [],
    lastOfflineAt: atMs ? new Date(Number(atMs)) : undefined,
  };
}

/** Also writes down the time: when a person was last seen should this process be killed. */
export async function setPresent(ctx: PresenceCtx, sockets: PresentSocket[]): Promise<void> {
  for (const batch of chunksOf(sockets, BATCH_COUNT_MAX)) {
    const nowMs = ctx.now().getTime();
    const pipeline = ctx.redis.pipeline();
    for (const socket of batch) {
      const key = socketsKey(socket.userId);
      pipeline.zremrangebyscore(key, "-inf", nowMs);
      pipeline.zadd(key, { score: nowMs + PRESENCE_TTL_MS, member: memberOf(socket) });
      pipeline.pexpire(key, PRESENCE_TTL_MS);
      pipeline.pexpire(toldKey(socket.userId), PRESENCE_TTL_MS);
      pipeline.set(lastKey(socket.userId), `${socket.deviceFlag}:${nowMs}`, { px: LAST_SEEN_MS });
    }
    await pipeline.exec();
  }
}

export async function setGone(ctx: PresenceCtx, sockets: PresentSocket[]): Promise<void> {
  for (const batch of chunksOf(sockets, BATCH_COUNT_MAX)) {
    const nowMs = ctx.now().getTime();
    const pipeline = ctx.redis.pipeline();
    for (const socket of batch) {
      pipeline.zrem(socketsKey(socket.userId), memberOf(socket));
      pipeline.set(lastKey(socket.userId), `${socket.deviceFlag}:${nowMs}`, { px: LAST_SEEN_MS });
    }
    await pipeline.exec();
  }
}

/**
 * Remembers what is told of who is there, for all processes; in one trip.
 * @returns of each whether it is news; none is while Redis is away
 */
export async function rememberTold(
  ctx: PresenceCtx,
  people: { userId: number; online: boolean }[],
): Promise<boolean[]> {
  const pipeline = ctx.redis.pipeline();
  for (const { userId, online } of people) {
    if (online) pipeline.set(toldKey(userId), "1", { nx: true, px: PRESENCE_TTL_MS });
    else pipeline.del(toldKey(userId));
  }
  try {
    return (await pipeline.exec<unknown[]>()).map((reply) => reply === "OK" || reply === 1);
  } catch (error) {
    if (!isRedisAway(error)) throw error;
    return people.map(() => false);
  }
}

function memberOf({ deviceFlag, socketId }: PresentSocket): string {
  return `${deviceFlag}:${socketId}`;
}

function deviceFlagOf(member: string): number {
  return Number(member.split(":")[0]);
}
