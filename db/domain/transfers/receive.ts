import { and, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { transfers } from "../../schema/transfers.ts";
import { built, instant, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { legsAs, postedAs } from "../ledger/post.ts";
import { moneyNews } from "../messages/money_news.ts";
import { ContentType } from "../messages/rules.ts";
import { tellingPeople, TOLD_COLUMNS, toldColumn, wakeTold } from "../messages/tell_people.ts";
import { refundExpiredTransfers } from "./expire.ts";
import type { TransferKey } from "./reads.ts";

/**
 * Takes in what somebody was sent, once (M7). The state, the money's way into the wallet and the
 * message that tells both are one statement. What is due is given back instead.
 * @throws {DomainError} `transfer_missing`, also for everybody but the payee; `transfer_settled`,
 *   `transfer_expired`
 */
export async function receiveTransfer(ctx: Ctx, { no, userId }: TransferKey): Promise<void> {
  const statement = receivingStatement({ no, userId, at: ctx.now().toISOString() });
  const [received] = await rows(ctx, statement, TOLD_COLUMNS);
  if (received) return wakeTold(ctx, received);
  const [known] = await ctx.db.select({ state: transfers.state }).from(transfers)
    .where(and(eq(transfers.transferNo, no), eq(transfers.receiverId, userId))).limit(1);
  if (!known) throw new DomainError("transfer_missing");
  if (known.state === "received") throw new DomainError("transfer_settled");
  await refundExpiredTransfers(ctx, { limit: 1, transferNo: no });
  throw new DomainError("transfer_expired");
}

interface ReceiveValues extends Record<string, unknown> {
  no: string;
  userId: number;
  /** ISO 8601. */
  at: string;
}

const receivingStatement = built<ReceiveValues>(({ no, userId, at }) => {
  const posted = postedAs({
    kind: "transfer_received",
    userId,
    operationKey: no,
    input: {},
    remark: sql`transfer.remark`,
    at,
    legs: legsAs([
      { kind: "transfer", owner: sql`transfer.id`, amount: sql`-transfer.amount` },
      { kind: "wallet", owner: userId, amount: sql`transfer.amount` },
    ]),
  });
  const said = sql`
    select ${userId}::bigint as sender_id, posted.sender_id as receiver_id, ${
    moneyNews({
      event: "transfer_received",
      type: ContentType.tip,
      no: sql`posted.transfer_no`,
      amount: sql`posted.amount`,
    })
  } as payload from posted`;
  // Found by its number alone: an index of what waits looks small to the planner, until much waits.
  return sql`
    with known as materialized (
      select id, receiver_id, state, expires_at from transfers where transfer_no = ${no} for update
    ), transfer as (
      update transfers set state = 'received', received_at = ${instant(at)} from known
      where transfers.id = known.id and known.receiver_id = ${userId} and known.state = 'waiting'
        and known.expires_at > ${instant(at)}
      returning transfers.id, sender_id, transfer_no, amount, remark
    ), posted as materialized (
      select transfer.*, ${posted} from transfer
    ), ${tellingPeople({ said, now: instant(at) })}
    select ${toldColumn} from posted`;
});
