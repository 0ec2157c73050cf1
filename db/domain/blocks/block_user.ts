import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { visibleUsers } from "../users/who_is_there.ts";

/**
 * Doing it again keeps the time of the first.
 * @throws {DomainError} `self_refused`, `user_missing`
 */
export async function blockUser(
  ctx: Ctx,
  { userId, uid }: { userId: number; uid: string },
): Promise<void> {
  const { rows: [person] } = await ctx.db.execute<{ own: boolean }>(sql`
    with person as (
      select id from users where uid = ${uid} and ${visibleUsers}
    ), placed as (
      insert into blocks (user_id, blocked_id, created_at)
      select ${userId}, id, ${instant(ctx.now())}
      from person where id <> ${userId}
      on conflict do nothing
    )
    select id = ${userId} as own from person`);
  if (!person) throw new DomainError("user_missing");
  if (person.own) throw new DomainError("self_refused");
}
