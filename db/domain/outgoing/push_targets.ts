import { and, eq, inArray, type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { pushTargets } from "../../schema/notifications.ts";
import { LIVE_STATUSES, users } from "../../schema/users.ts";
import { instant } from "../../sql.ts";
import { isLiveSession } from "../sessions/is_live.ts";

export async function readPushTargets(ctx: Ctx, userIds: number[]): Promise<Map<number, string>> {
  if (userIds.length === 0) return new Map();
  const rows = await ctx.db.select({ userId: pushTargets.userId, jpushId: pushTargets.jpushId })
    .from(pushTargets).innerJoin(users, eq(users.id, pushTargets.userId))
    .where(and(
      inArray(pushTargets.userId, userIds),
      inArray(users.status, [...LIVE_STATUSES]),
      isLiveSession(sql`${pushTargets.sessionId}`, instant(ctx.now())),
    ))
    .limit(userIds.length);
  return new Map(rows.map(({ userId, jpushId }) => [userId, jpushId]));
}

/** Whether this person has named a device in one of the apps, be its session over by now or not. */
export function hasNamedDevice(userId: SQL): SQL {
  return sql`(
    exists (select from chat_accounts where user_id = ${userId} and device_token is not null)
    or exists (select from push_targets where user_id = ${userId})
  )`;
}

/** Whether anybody in this group may have named one: partners' own people cannot. */
export function mayHaveDevices(groupId: SQL): SQL {
  return sql`exists (select from groups where groups.id = ${groupId}
    and groups.app_id = ${HOUSE_APP_ID})`;
}
