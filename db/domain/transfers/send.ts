import { sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { instant, rows, typed } from "../../sql.ts";
import type { Kind } from "../errors.ts";
import { explained, legsAs, type Operation, postedAs } from "../ledger/post.ts";
import { checkAmount } from "../ledger/rules.ts";
import { type Accepted, acceptMessage } from "../messages/accept.ts";
import { ContentType } from "../messages/rules.ts";
import { wake } from "../messages/send.ts";
import { payOnce } from "../wallet/pay_once.ts";
import { checkPayee, payeeOf } from "./payee.ts";
import { WAITING_LIFE_MS } from "./rules.ts";

export interface TransferInput {
  userId: number;
  /** Good for `transfer` and this amount. */
  payToken: string;
  /** 分 */
  amount: number;
  toUid: string;
  remark: string;
}

interface Sent {
  no: string;
  /** Absent: sent before, and nobody is told again. */
  accepted?: Accepted;
}

/**
 * Sends a friend money: it leaves the wallet at once and waits a day to be received. Money,
 * transfer and the message that tells of it are one transaction; the same call again answers the
 * same transfer (M5).
 * @returns the transfer's number
 * @throws {DomainError} `amount_invalid`, `user_missing`, `self_refused`, `friend_missing`,
 *   `balance_insufficient`, `message_blacklisted`, and what {@link payOnce} throws
 */
export async function sendTransfer(ctx: Ctx, input: TransferInput): Promise<string> {
  const { userId, payToken, amount, toUid, remark } = input;
  checkAmount(amount);
  const { no, accepted } = await payOnce<Sent>(ctx, {
    payToken,
    userId,
    amount,
    item: "transfer",
    kind: "transfer_sent",
    input: { to_uid: toUid, remark },
  }, {
    async act(tx, operation) {
      const no = await holdMoney(tx, { ...input, operation });
      return { no, accepted: await tellPayee(tx, { ...input, no }) };
    },
    again: async (tx, transactionId) => ({ no: await findSent(tx, transactionId) }),
  });
  if (accepted) wake(ctx, accepted);
  return no;
}

async function holdMoney(
  ctx: Ctx,
  { userId, amount, toUid, remark, operation }: TransferInput & { operation: Operation },
): Promise<string> {
  const no = randomHex32();
  const at = ctx.now();
  const posted = postedAs({
    ...operation,
    remark,
    at,
    legs: legsAs([
      { kind: "wallet", owner: userId, amount: sql`${-amount}::bigint` },
      { kind: "transfer", owner: sql`fresh.id`, amount: sql`${amount}::bigint` },
    ]),
  });
  // The money's account is named by the transfer's id, and the transfer by the money's movement:
  // so the id comes first.
  const statement = sql`
    with payee as (
      ${payeeOf({ userId, uid: toUid })}
    ), fresh as materialized (
      select nextval(pg_get_serial_sequence('transfers', 'id')) as id, payee.id as receiver_id
      from payee where refusal is null
    ), posted as materialized (
      select fresh.id, fresh.receiver_id, ${posted} as transaction_id from fresh
    ), transfer as (
      insert into transfers (id, transfer_no, sender_id, receiver_id, amount, remark,
        transaction_id, created_at, expires_at)
      overriding system value
      select id, ${no}, ${userId}::bigint, receiver_id, ${amount}::bigint, ${remark},
        transaction_id, ${instant(at)}, ${instant(new Date(at.getTime() + WAITING_LIFE_MS))}
      from posted
    )
    select refusal from payee`;
  const [payee] = await explained(rows(ctx, statement, { refusal: typed<Kind | null>() }));
  checkPayee(payee);
  return no;
}

async function tellPayee(
  ctx: Ctx,
  { userId, toUid, amount, remark, no }: TransferInput & { no: string },
): Promise<Accepted> {
  return await acceptMessage(ctx, {
    senderId: userId,
    channel: { type: ChannelType.person, uid: toUid },
    clientMsgNo: `transfer-${no}`,
    payload: JSON.stringify({ type: ContentType.transfer, no, amount, remark, content: "[转账]" }),
    redDot: true,
  });
}

/** The number of the transfer a movement paid for, by the account it paid into. */
async function findSent(ctx: Ctx, transactionId: number): Promise<string> {
  const { rows: [row] } = await ctx.db.execute<{ no: string }>(sql`
    select transfers.transfer_no as no from entries
    join accounts on accounts.id = entries.account_id and accounts.kind = 'transfer'
    join transfers on transfers.id = accounts.owner_id
    where entries.transaction_id = ${transactionId}`);
  return row!.no;
}
