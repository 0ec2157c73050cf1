import type { SQL } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { users } from "../../schema/users.ts";
import type { Mobile } from "../captchas/rules.ts";

/** Whose number it is, and which; undefined for nobody, and for who has none. */
export async function readMobile(
  ctx: Ctx,
  isMeant: SQL,
): Promise<{ userId: number; mobile: Mobile } | undefined> {
  const [user] = await ctx.db
    .select({ userId: users.id, countryCode: users.countryCode, number: users.mobile })
    .from(users).where(isMeant).limit(1);
  if (!user?.countryCode || !user.number) return undefined;
  return { userId: user.userId, mobile: { countryCode: user.countryCode, number: user.number } };
}
