import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, int8, rows } from "../../sql.ts";
import { absentSince } from "./rules.ts";

/** @returns how many rows went; `limit` means there may be more */
export async function removeAbsentRoomMembers(
  ctx: Pick<Ctx, "db" | "now">,
  limit: number,
): Promise<number> {
  const statement = sql`
    with absent as materialized (
      select room_id, user_id from room_members
      where seen_at <= ${instant(absentSince(ctx.now()))}
      order by seen_at limit ${limit}
      -- Whoever holds a row is just coming back, or removing it: either way it is not ours.
      for update skip locked
    ), removed as (
      delete from room_members using absent
      where room_members.room_id = absent.room_id and room_members.user_id = absent.user_id
      returning 1
    )
    select count(*) from removed`;
  const [removed] = await rows(ctx, statement, { count: int8 });
  return removed!.count;
}
