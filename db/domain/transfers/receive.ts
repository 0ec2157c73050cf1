import { and, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { transfers } from "../../schema/transfers.ts";
import { built, instant, int8, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { legsAs, postedAs } from "../ledger/post.ts";
import { refundExpiredTransfers } from "./expire.ts";
import type { TransferKey } from "./reads.ts";

/**
 * Takes in what somebody was sent, once (M7). The state and the money's way into the wallet are one
 * statement. What is due is given back instead.
 * @throws {DomainError} `transfer_missing`, also for everybody but the payee; `transfer_settled`
 */
export async function receiveTransfer(ctx: Ctx, { no, userId }: TransferKey): Promise<void> {
  const received = await rows(
    ctx,
    receivingStatement({ no, userId, at: ctx.now().toISOString() }),
    {
      id: int8,
    },
  );
  if (received.length > 0) return;
  const [known] = await ctx.db.select({ id: transfers.id }).from(transfers)
    .where(and(eq(transfers.transferNo, no), eq(transfers.receiverId, userId))).limit(1);
  if (!known) throw new DomainError("transfer_missing");
  await refundExpiredTransfers(ctx, { limit: 1, transferNo: no });
  throw new DomainError("transfer_settled");
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
  // Found by its number alone: an index of what waits looks small to the planner, until much waits.
  return sql`
    with known as materialized (
      select id, receiver_id, state, expires_at from transfers where transfer_no = ${no} for update
    ), transfer as (
      update transfers set state = 'received', received_at = ${instant(at)} from known
      where transfers.id = known.id and known.receiver_id = ${userId} and known.state = 'waiting'
        and known.expires_at > ${instant(at)}
      returning transfers.id, amount, remark
    )
    select ${posted} as id from transfer`;
});
