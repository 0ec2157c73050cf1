import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, int4, rows } from "../../sql.ts";
import { postedRefund } from "../ledger/post.ts";
import { moneyNews } from "../messages/money_news.ts";
import { ContentType } from "../messages/rules.ts";
import { tellingPeople, TOLD_COLUMNS, toldColumn, wakeTold } from "../messages/tell_people.ts";

/**
 * Gives back transfers nobody has received within their day, and tells both people in their chat:
 * each once, whoever comes first, the job or somebody who looks (M7, M8). One that is being received
 * is left to the next call.
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
  // Said as by who did not take it, so that it is news to who has it back.
  const said = sql`
    select receiver_id as sender_id, sender_id as receiver_id, ${
    moneyNews({
      event: "transfer_refunded",
      type: ContentType.tip,
      no: sql`transfer_no`,
      amount: sql`amount`,
    })
  } as payload from posted`;
  const statement = sql`
    with due as (
      select id from transfers where state = 'waiting' and expires_at <= ${now} ${only}
      order by expires_at, id limit ${limit} for update skip locked
    ), transfer as (
      update transfers set state = 'refunded', refunded_at = ${now}
      from due where transfers.id = due.id
      returning transfers.*
    ), posted as materialized (
      select transfer.*, ${posted} from (select * from transfer order by sender_id) as transfer
    ), ${tellingPeople({ said, now })}
    select (select count(*) from posted) as count, ${toldColumn}`;
  const [done] = await rows(ctx, statement, { count: int4, ...TOLD_COLUMNS });
  wakeTold(ctx, done!);
  return done!.count;
}
