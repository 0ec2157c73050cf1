import { and, eq, type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { redPackets } from "../../schema/red_packets.ts";
import { builtFor, instant, int8, maybe, rows, type Terms, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { explained, hashOf, legsAs, type Operation, postedAs } from "../ledger/post.ts";
import { ACCEPT_COLUMNS, acceptedOf, acceptValuesOf } from "../messages/accept.ts";
import { acceptStatement, type AcceptValues } from "../messages/accept_statement.ts";
import {
  type Channel,
  channelParts,
  channelValuesOf,
  shapeOf,
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
import { OPEN_LIFE_MS } from "./rules.ts";

export interface PayInput {
  redpacketNo: string;
  userId: number;
  /** Good for `redpacket` and the packet's amount. */
  payToken: string;
}

type Packet = Awaited<ReturnType<typeof findOwn>>;

/**
 * Pays for one's own packet, which opens it for a day and shows it in the chat. Pay token, money,
 * packet and message are one statement: where the message is refused nothing has happened, and the
 * token is still good. The same call again is answered again (M5).
 * @returns the movement that paid
 * @throws {DomainError} `redpacket_missing`, `pay_token_invalid`, `operation_conflict`,
 *   `wallet_unusable`, `redpacket_paid`, `redpacket_expired`, why a message is refused,
 *   `balance_insufficient`
 */
export async function payRedPacket(ctx: Ctx, input: PayInput): Promise<{ transactionId: number }> {
  const { redpacketNo, userId, payToken } = input;
  const packet = await findOwn(ctx, input);
  const operation: Operation = {
    kind: "red_packet_paid",
    userId,
    operationKey: hashPayToken(payToken),
    input: { redpacket_no: redpacketNo, amount: packet.amount },
  };
  const channel: Channel = packet.groupId === null
    ? { type: ChannelType.person, userId: packet.receiverId! }
    : { type: ChannelType.group, groupId: packet.groupId };
  const at = ctx.now();
  const statement = payingStatement(shapeOf({ channel }), {
    ...channelValuesOf(channel),
    ...payValuesOf(packet, { redpacketNo, operation, at }),
  });
  const said = await explained(rows(ctx, statement, PAY_COLUMNS));
  const [paid] = said;
  if (paid!.transactionId !== undefined) {
    wake(ctx, acceptedOf(said, userId));
    return { transactionId: paid!.transactionId };
  }
  const transactionId = await findSpent(ctx, operation, paid!);
  if (transactionId !== undefined) return { transactionId };
  const isTooOld = packet.state === "unpaid" && packet.expiresAt <= at;
  if (isTooOld) throw new DomainError("redpacket_expired");
  // Of an unpaid packet that somebody else is paying for at this moment there is a verdict as well.
  const refusal = packet.state === "unpaid" ? VERDICTS[paid!.allowed] : undefined;
  throw new DomainError(refusal ?? "redpacket_paid");
}

async function findOwn(ctx: Ctx, { redpacketNo, userId }: PayInput) {
  const [packet] = await ctx.db
    .select({
      id: redPackets.id,
      amount: redPackets.amount,
      state: redPackets.state,
      expiresAt: redPackets.expiresAt,
      blessing: redPackets.blessing,
      groupId: redPackets.groupId,
      receiverId: redPackets.receiverId,
    })
    .from(redPackets)
    .where(and(eq(redPackets.redpacketNo, redpacketNo), eq(redPackets.senderId, userId))).limit(1);
  if (!packet) throw new DomainError("redpacket_missing");
  return packet;
}

interface PayValues extends AcceptValues, SpendValues {
  id: number;
  blessing: string;
  inputHash: string;
  /** Until when it may be opened, ISO 8601. */
  until: string;
}

function payValuesOf(
  { id, amount, blessing }: Packet,
  { redpacketNo, operation, at }: { redpacketNo: string; operation: Operation; at: Date },
): Omit<PayValues, keyof ReturnType<typeof channelValuesOf>> {
  const { userId, operationKey, input } = operation;
  return {
    ...acceptValuesOf({
      senderId: userId,
      clientMsgNo: moneyMsgNo({ type: ContentType.redPacket, no: redpacketNo }),
      payload: JSON.stringify({
        type: ContentType.redPacket,
        redpacket_no: redpacketNo,
        blessing,
        content: `[红包]${blessing}`,
      }),
      contentType: ContentType.redPacket,
      redDot: true,
    }, at),
    id,
    tokenHash: operationKey,
    payerId: userId,
    amount,
    blessing,
    inputHash: hashOf(input),
    until: new Date(at.getTime() + OPEN_LIFE_MS).toISOString(),
  };
}

const PAY_COLUMNS = {
  ...ACCEPT_COLUMNS,
  ...SPEND_COLUMNS,
  transactionId: maybe(int8),
  /** What the message would have been told. */
  allowed: typed<string>(),
};

const payingStatement = builtFor<SpeakingShape, PayValues>((shape, given) =>
  acceptStatement(shape, given, {
    prelude: {
      ctes: sql`allowed as materialized (
          ${channelParts(shape, given, instant(given.at)).verdict}
        ), packet as materialized (
          select id, state, expires_at from red_packets where id = ${given.id} for update
        ), ${spending("redpacket", given, readyQuery(given))}, ${opening(given)}`,
      happened: sql`exists (select from posted)`,
      payload: sql`${given.payload}`,
      columns: sql`${spendColumns}, (select verdict from allowed) as allowed,
        (select id from posted) as transaction_id`,
    },
  })
);

/** Locked before the money moves: of two payments with different tokens one must find it paid. */
const readyQuery = ({ at }: Terms<PayValues>): SQL =>
  sql`select packet.id as packet_id from packet, allowed, pay_token
    where packet.state = 'unpaid' and packet.expires_at > ${instant(at)}
      and allowed.verdict in ('sent', 'logged') and ${canPay}`;

function opening(given: Terms<PayValues>): SQL {
  const { payerId, tokenHash, inputHash, amount, blessing, at, until } = given;
  const posted = postedAs({
    kind: "red_packet_paid",
    userId: payerId,
    operationKey: tokenHash,
    input: inputHash,
    remark: blessing,
    at,
    legs: legsAs([
      { kind: "wallet", owner: payerId, amount: sql`-(${amount}::bigint)` },
      { kind: "red_packet", owner: sql`spent.packet_id`, amount: sql`${amount}::bigint` },
    ]),
  });
  return sql`posted as materialized (
      select spent.packet_id, ${posted} as id from spent
    ), opened as (
      update red_packets set state = 'open', paid_at = ${instant(at)}, transaction_id = posted.id,
        expires_at = ${instant(until)}
      from posted where red_packets.id = posted.packet_id
    )`;
}
