import { type SQL, sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { bool, built, instant, maybe, type Row, rows, type Terms, typed } from "../../sql.ts";
import { DomainError, type Kind } from "../errors.ts";
import { explained, hashOf, legsAs, type Operation, postedAs } from "../ledger/post.ts";
import { checkAmount } from "../ledger/rules.ts";
import { ACCEPT_COLUMNS, acceptedOf, acceptValuesOf } from "../messages/accept.ts";
import { acceptStatement, type AcceptValues } from "../messages/accept_statement.ts";
import {
  channelParts,
  channelValuesOf,
  type SpeakingShape,
  VERDICTS,
} from "../messages/channel.ts";
import { ContentType, moneyMsgNo } from "../messages/rules.ts";
import { wake } from "../messages/send.ts";
import { hashPayToken } from "../wallet/pay_once.ts";
import {
  canPay,
  findSpent,
  SPEND_COLUMNS,
  spendColumns,
  spending,
  type SpendValues,
} from "../wallet/spend_token.ts";
import { payeeOf } from "./payee.ts";
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

/**
 * Sends a friend money: it leaves the wallet at once and waits a day to be received. Pay token,
 * money, transfer and the message that tells of it are one statement; the same call again answers
 * the same transfer (M5).
 * @returns the transfer's number
 * @throws {DomainError} `amount_invalid`, `pay_token_invalid`, `operation_conflict`,
 *   `wallet_unusable`, `user_missing`, `self_refused`, `friend_missing`, `message_blacklisted`,
 *   `balance_insufficient`; the token stays good unless it was wrong
 */
export async function sendTransfer(ctx: Ctx, input: TransferInput): Promise<string> {
  const { userId, payToken, amount, toUid, remark } = input;
  checkAmount(amount);
  const operation: Operation = {
    kind: "transfer_sent",
    userId,
    operationKey: hashPayToken(payToken),
    input: { to_uid: toUid, remark, amount },
  };
  const no = randomHex32();
  const statement = sendingStatement(sendValuesOf(input, { operation, no, at: ctx.now() }));
  const said = await explained(rows(ctx, statement, SEND_COLUMNS));
  const [sent] = said;
  if (sent!.isSpent) {
    wake(ctx, acceptedOf(said, userId));
    return no;
  }
  const transactionId = await findSpent(ctx, operation, sent!);
  if (transactionId !== undefined) return await findSent(ctx, transactionId);
  throw refusalOf(sent!);
}

interface SendValues extends AcceptValues, SpendValues {
  no: string;
  toUid: string;
  remark: string;
  inputHash: string;
  /** Until when it waits to be received, ISO 8601. */
  until: string;
}

function sendValuesOf(
  { userId, amount, toUid, remark }: TransferInput,
  { operation, no, at }: { operation: Operation; no: string; at: Date },
): SendValues {
  const channel = { type: ChannelType.person, uid: toUid } as const;
  const payload = {
    type: ContentType.transfer,
    no,
    // As deployed apps spell the two.
    record_no: no,
    amount,
    amout: amount,
    remark,
    content: "[转账]",
  };
  return {
    ...channelValuesOf(channel),
    ...acceptValuesOf({
      senderId: userId,
      clientMsgNo: moneyMsgNo({ type: ContentType.transfer, no }),
      payload: JSON.stringify(payload),
      contentType: ContentType.transfer,
      redDot: true,
    }, at),
    tokenHash: operation.operationKey,
    payerId: userId,
    amount,
    no,
    toUid,
    remark,
    inputHash: hashOf(operation.input),
    until: new Date(at.getTime() + WAITING_LIFE_MS).toISOString(),
  };
}

const SEND_COLUMNS = {
  ...ACCEPT_COLUMNS,
  ...SPEND_COLUMNS,
  /** What the message would have been told. */
  allowed: typed<string>(),
  isKnown: bool,
  refusal: maybe(typed<Kind>()),
};

function refusalOf({ isKnown, refusal, allowed }: Row<typeof SEND_COLUMNS>): DomainError {
  if (!isKnown) return new DomainError("user_missing");
  return new DomainError(refusal ?? VERDICTS[allowed] ?? "pay_token_invalid");
}

const SHAPE: SpeakingShape = { naming: "uid", isForSome: false, isNamed: false };

const sendingStatement = built<SendValues>((given) =>
  acceptStatement(SHAPE, given, {
    prelude: {
      ctes: sql`payee as (
          ${payeeOf({ userId: given.payerId, uid: given.toUid })}
        ), allowed as materialized (
          ${channelParts(SHAPE, given, instant(given.at)).verdict}
        ), ${spending("transfer", given, readyQuery)}, ${holding(given)}`,
      happened: sql`exists (select from posted)`,
      payload: sql`${given.payload}`,
      columns: sql`${spendColumns}, (select verdict from allowed) as allowed,
        exists (select from payee) as is_known, (select refusal from payee) as refusal`,
    },
  })
);

const readyQuery = sql`select payee.id as receiver_id from payee, allowed, pay_token
  where payee.refusal is null and allowed.verdict = 'sent' and ${canPay}`;

function holding(given: Terms<SendValues>): SQL {
  const { payerId, tokenHash, inputHash, amount, remark, no, at, until } = given;
  const posted = postedAs({
    kind: "transfer_sent",
    userId: payerId,
    operationKey: tokenHash,
    input: inputHash,
    remark,
    at,
    legs: legsAs([
      { kind: "wallet", owner: payerId, amount: sql`-(${amount}::bigint)` },
      { kind: "transfer", owner: sql`fresh.id`, amount: sql`${amount}::bigint` },
    ]),
  });
  // The money's account is named by the transfer's id, and the transfer by the money's movement:
  // so the id comes first.
  return sql`fresh as materialized (
      select nextval(pg_get_serial_sequence('transfers', 'id')) as id, receiver_id from spent
    ), posted as materialized (
      select fresh.id, fresh.receiver_id, ${posted} as transaction_id from fresh
    ), transfer as (
      insert into transfers (id, transfer_no, sender_id, receiver_id, amount, remark,
        transaction_id, created_at, expires_at)
      overriding system value
      select id, ${no}, ${payerId}::bigint, receiver_id, ${amount}::bigint, ${remark},
        transaction_id, ${instant(at)}, ${instant(until)}
      from posted
    )`;
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
