import { and, eq, isNotNull, notInArray } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { users } from "../../schema/users.ts";

/** How many people have a number of other countries than these: no code reaches them. */
export async function countAbroad(
  { db }: Pick<Ctx, "db">,
  served: readonly string[],
): Promise<number> {
  return await db.$count(
    users,
    and(
      eq(users.appId, HOUSE_APP_ID),
      isNotNull(users.mobile),
      notInArray(users.countryCode, [...served]),
    ),
  );
}
