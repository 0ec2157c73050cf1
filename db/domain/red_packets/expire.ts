import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import type { RedPacketState } from "../../schema/red_packets.ts";
import { instant } from "../../sql.ts";
import { postedRefund } from "../ledger/post.ts";

/**
 * Gives back what is left of packets whose day is over: each once, whoever comes first, the job or
 * somebody who looks (M8). A packet that is being opened at this moment is left to the next call.
 * @returns how many
 */
export async function refundExpiredRedPackets(
  ctx: Ctx,
  { limit, id }: { limit: number; id?: number },
): Promise<number> {
  const at = ctx.now();
  const now = instant(at);
  const only = id === undefined ? sql`` : sql`and id = ${id}`;
  const posted = postedRefund({
    of: "red_packet",
    no: sql`redpacket_no`,
    remark: sql`blessing`,
    amount: sql`refunded_amount`,
    at,
  });
  const { rows } = await ctx.db.execute(sql`
    with due as (
      select id from red_packets where state = 'open' and expires_at <= ${now} ${only}
      order by expires_at, id limit ${limit} for update skip locked
    ), packet as (
      update red_packets set state = 'refunded', refunded_at = ${now},
        refunded_amount = amount - opened_amount
      from due where red_packets.id = due.id
      returning red_packets.*
    )
    select ${posted} from (select * from packet order by sender_id) as packet`);
  return rows.length;
}

/** @returns whether it has been given back by this call */
export async function refundIfExpired(
  ctx: Ctx,
  { id, state, expiresAt }: { id: number; state: RedPacketState; expiresAt: Date },
): Promise<boolean> {
  if (state !== "open" || expiresAt > ctx.now()) return false;
  return await refundExpiredRedPackets(ctx, { limit: 1, id }) > 0;
}
