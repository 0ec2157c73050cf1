import { and, eq, isNull } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { sessions } from "../../schema/sessions.ts";
import { endSessions } from "./session_cache.ts";

export async function logOut(ctx: Ctx, { tokenHash }: { tokenHash: string }): Promise<void> {
  await ctx.db.update(sessions).set({ revokedAt: ctx.now() })
    .where(and(eq(sessions.tokenHash, tokenHash), isNull(sessions.revokedAt)));
  await endSessions(ctx, [tokenHash]);
}
