import { type Presence, readOnline as readPresence } from "../../presence.ts";
import type { Ctx } from "../../client.ts";

export type { Presence };

/** Who of these people is there; one trip to Redis, none for nobody. */
export function readOnline(ctx: Ctx, userIds: number[]): Promise<Map<number, Presence>> {
  return readPresence(ctx, userIds);
}
