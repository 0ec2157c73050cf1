import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, rows, text } from "../../sql.ts";
import { endSessions } from "../sessions/session_cache.ts";

/**
 * Forgets a device: it logs out, and with the device lock on has to prove the phone again. The
 * caller's own session stays; a device of nobody's, or somebody else's, changes nothing.
 */
export async function removeDevice(
  ctx: Ctx,
  { userId, deviceId, tokenHash }: { userId: number; deviceId: string; tokenHash: string },
): Promise<void> {
  const statement = sql`
    with device as (
      delete from devices where user_id = ${userId} and device_id = ${deviceId} returning id
    )
    update sessions set device_id = null,
      revoked_at = case when token_hash = ${tokenHash} then revoked_at
        else coalesce(revoked_at, ${instant(ctx.now())}) end
    where user_id = ${userId} and device_id in (select id from device)
    returning token_hash`;
  const onIt = await rows(ctx, statement, { tokenHash: text });
  await endSessions(ctx, onIt.map((session) => session.tokenHash).filter((it) => it !== tokenHash));
}
