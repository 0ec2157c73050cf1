import type { Ctx } from "../../client/ctx.ts";
import type { Device } from "../sessions/open_session.ts";
import { PENDING_DEVICE_MS } from "./rules.ts";

export interface PendingDevice {
  device: Device;
  kind: number;
}

const keyOf = (userId: number) => `chat_pending_device:${userId}`;

export async function keepPendingDevice(
  ctx: Ctx,
  { userId, device, kind }: PendingDevice & { userId: number },
): Promise<void> {
  await ctx.redis.set(keyOf(userId), JSON.stringify({ device, kind }), { px: PENDING_DEVICE_MS });
}

export async function readPendingDevice(
  ctx: Ctx,
  userId: number,
): Promise<PendingDevice | undefined> {
  const kept = await ctx.redis.get<string>(keyOf(userId));
  return kept === null ? undefined : JSON.parse(kept);
}

/** Uses it up: of two callers at once one gets it. */
export async function takePendingDevice(
  ctx: Ctx,
  userId: number,
): Promise<PendingDevice | undefined> {
  const kept = await ctx.redis.getdel<string>(keyOf(userId));
  return kept === null ? undefined : JSON.parse(kept);
}
