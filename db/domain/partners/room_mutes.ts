import { sql } from "drizzle-orm";
import { warmOf } from "../../bus/warm.ts";
import type { Ctx } from "../../client/ctx.ts";
import { bool, rows } from "../../sql.ts";

/** Who spoke in a chat room a moment ago, and whether they might. */
const warmMutes = warmOf<"muted" | "free">((event) =>
  event.kind === "room_mute" ? [String(event.userId)] : []
);

/** Whether somebody may say nothing in their app's chat rooms. */
export async function isRoomMuted(ctx: Ctx, userId: number): Promise<boolean> {
  const known = warmMutes(ctx).get(String(userId));
  if (known !== undefined) return known === "muted";
  const statement = sql`select exists (
    select from room_mutes where user_id = ${userId}) as is_muted`;
  const [{ isMuted } = { isMuted: false }] = await rows(ctx, statement, { isMuted: bool });
  warmMutes(ctx).keep(String(userId), isMuted ? "muted" : "free");
  return isMuted;
}

/** Somebody has been muted or let speak again: every process asks anew; after the commit. */
export function tellRoomMute(ctx: Ctx, userId: number): void {
  warmMutes(ctx).drop(String(userId));
  ctx.bus.publish({ kind: "room_mute", userId });
}
