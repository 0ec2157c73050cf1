import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { postedRefund } from "../ledger/post.ts";

/**
 * Gives back transfers nobody has received within their day: each once, whoever comes first, the
 * job or somebody who looks (M7, M8). One that is being received is left to the next call.
 * @returns how many
 */
export async function refundExpiredTransfers(
  ctx: Ctx,
  { limit, transferNo }: { limit: number; transferNo?: string },
): Promise<number> {
  const at = ctx.now();
  const now = instant(at);
  const only = transferNo === undefined ? sql`` : sql`and transfer_no = ${transferNo}`;
  const posted = postedRefund({
    of: "transfer",
    no: sql`transfer_no`,
    remark: sql`remark`,
    amount: sql`amount`,
    at,
  });
  const { rows } = await ctx.db.execute(sql`
    with due as (
      select id from transfers where state = 'waiting' and expires_at <= ${now} ${only}
      order by expires_at, id limit ${limit} for update skip locked
    ), transfer as (
      update transfers set state = 'refunded', refunded_at = ${now}
      from due where transfers.id = due.id
      returning transfers.*
    )
    select ${posted} from (select * from transfer order by sender_id) as transfer`);
  return rows.length;
}
