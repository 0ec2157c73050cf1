import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import type { RedPacketState } from "../../schema/red_packets.ts";
import { instant, int4, rows } from "../../sql.ts";
import { postedRefund } from "../ledger/post.ts";
import { moneyNews } from "../messages/money_news.ts";
import { ContentType } from "../messages/rules.ts";
import {
  systemAccount,
  tellingPeople,
  TOLD_COLUMNS,
  toldColumn,
  wakeTold,
} from "../messages/tell_people.ts";

/**
 * Gives back what is left of packets whose day is over, and tells of it: each once, whoever comes
 * first, the job or somebody who looks (M8). Of a packet for one person both read it in their chat, of
 * a group's its sender alone, from the system account. A packet that is being opened at this moment
 * is left to the next call.
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
  const isForPerson = sql`posted.receiver_id is not null`;
  const said = sql`
    select coalesce(posted.receiver_id, ${systemAccount}) as sender_id,
      posted.sender_id as receiver_id, ${
    moneyNews({
      event: "redpacket_refunded",
      type: sql`case when ${isForPerson} then ${ContentType.tip} else ${ContentType.text} end`,
      no: sql`posted.redpacket_no`,
      amount: sql`posted.refunded_amount`,
    })
  } as payload from posted`;
  const statement = sql`
    with due as (
      select id from red_packets where state = 'open' and expires_at <= ${now} ${only}
      order by expires_at, id limit ${limit} for update skip locked
    ), packet as (
      update red_packets set state = 'refunded', refunded_at = ${now},
        refunded_amount = amount - opened_amount
      from due where red_packets.id = due.id
      returning red_packets.*
    ), posted as materialized (
      select packet.*, ${posted} from (select * from packet order by sender_id) as packet
    ), ${tellingPeople({ said, now })}
    select (select count(*) from posted) as count, ${toldColumn}`;
  const [done] = await rows(ctx, statement, { count: int4, ...TOLD_COLUMNS });
  wakeTold(ctx, done!);
  return done!.count;
}

/** @returns whether it has been given back by this call */
export async function refundIfExpired(
  ctx: Ctx,
  { id, state, expiresAt }: { id: number; state: RedPacketState; expiresAt: Date },
): Promise<boolean> {
  if (state !== "open" || expiresAt > ctx.now()) return false;
  return await refundExpiredRedPackets(ctx, { limit: 1, id }) > 0;
}
