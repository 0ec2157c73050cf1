import { and, eq } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { Ctx } from "../../client/ctx.ts";
import { users } from "../../schema/users.ts";
import { endClientSession } from "./client_tokens.ts";

/** At once, sockets included; the next grant gives another. Whoever has none stays so. */
export async function revokeToken(
  ctx: Ctx,
  { tenantId, appUid }: { tenantId: number; appUid: LongInteger },
): Promise<void> {
  const [person] = await ctx.db.select({ id: users.id }).from(users)
    .where(and(eq(users.appId, tenantId), eq(users.appUid, appUid))).limit(1);
  if (person) await endClientSession(ctx, person.id);
}
