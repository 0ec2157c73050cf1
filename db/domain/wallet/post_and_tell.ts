import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, rows } from "../../sql.ts";
import { explained } from "../ledger/post.ts";
import { type MoneyEvent, moneyNews } from "../messages/money_news.ts";
import { ContentType } from "../messages/rules.ts";
import {
  systemAccount,
  tellingPeople,
  TOLD_COLUMNS,
  toldColumn,
  wakeTold,
} from "../messages/tell_people.ts";

/**
 * Moves money and tells whose it is, from the system account, as one statement.
 * @param posted of `postedAs` or `postingAs`
 * @throws {DomainError} as `post`
 */
export async function postAndTell(
  ctx: Ctx,
  { posted, userId, news }: {
    posted: SQL;
    userId: number;
    news: { event: MoneyEvent; no: string; amount: number; reason?: string };
  },
): Promise<void> {
  const { no, amount, ...of } = news;
  const payload = moneyNews({
    ...of,
    type: ContentType.text,
    no: sql`${no}::text`,
    amount: sql`${amount}::bigint`,
  });
  const said = sql`
    select ${systemAccount} as sender_id, ${userId}::bigint as receiver_id, ${payload} as payload
    from posted`;
  const statement = sql`
    with posted as materialized (select ${posted}), ${
    tellingPeople({ said, now: instant(ctx.now()) })
  } select ${toldColumn}`;
  const [told] = await explained(rows(ctx, statement, TOLD_COLUMNS));
  wakeTold(ctx, told!);
}
