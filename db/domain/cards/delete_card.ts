import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { userIdOf } from "../paging/keyset.ts";

/** Throws away the card `uid` gave to `userId`; one that is not there stays so. */
export async function deleteCard(
  ctx: Ctx,
  { userId, uid }: { userId: number; uid: string },
): Promise<void> {
  await ctx.db.execute(sql`
    with gone as (
      update cards set deleted_at = ${instant(ctx.now())}
      where from_user_id = ${userIdOf(uid)} and to_user_id = ${userId} and deleted_at is null
      returning to_user_id
    )
    update users set card_count = users.card_count - 1
    from gone where users.id = gone.to_user_id`);
}
