import { and, eq, inArray } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { pushTargets } from "../../schema/notifications.ts";
import { LIVE_STATUSES, users } from "../../schema/users.ts";

export async function readPushTargets(ctx: Ctx, userIds: number[]): Promise<Map<number, string>> {
  if (userIds.length === 0) return new Map();
  const rows = await ctx.db.select({ userId: pushTargets.userId, jpushId: pushTargets.jpushId })
    .from(pushTargets).innerJoin(users, eq(users.id, pushTargets.userId))
    .where(and(
      inArray(pushTargets.userId, userIds),
      inArray(users.status, [...LIVE_STATUSES]),
    ))
    .limit(userIds.length);
  return new Map(rows.map(({ userId, jpushId }) => [userId, jpushId]));
}
