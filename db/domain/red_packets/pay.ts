import { and, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { redPackets } from "../../schema/red_packets.ts";
import { instant, int8, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { explained, legsAs, type Operation, postedAs } from "../ledger/post.ts";
import { type Accepted, acceptMessage } from "../messages/accept.ts";
import type { Channel } from "../messages/channel.ts";
import { ContentType } from "../messages/rules.ts";
import { wake } from "../messages/send.ts";
import { payOnce } from "../wallet/pay_once.ts";
import { OPEN_LIFE_MS } from "./rules.ts";

export interface PayInput {
  redpacketNo: string;
  userId: number;
  /** Good for `redpacket` and the packet's amount. */
  payToken: string;
}

interface Paid {
  transactionId: number;
  /** Absent: paid before, and nobody is told again. */
  accepted?: Accepted;
}

type Packet = Awaited<ReturnType<typeof findOwn>>;

/**
 * Pays for one's own packet, which opens it for a day and shows it in the chat. Money, packet and
 * message are one transaction: where the message is refused nothing has happened, and the token is
 * still good. The same call again is answered again (M5).
 * @returns the movement that paid
 * @throws {DomainError} `redpacket_missing`, `redpacket_paid`, `redpacket_expired`,
 *   `balance_insufficient`, why a message is refused, and what {@link payOnce} throws
 */
export async function payRedPacket(ctx: Ctx, input: PayInput): Promise<{ transactionId: number }> {
  const { redpacketNo, userId, payToken } = input;
  const packet = await findOwn(ctx, input);
  const { transactionId, accepted } = await payOnce<Paid>(ctx, {
    payToken,
    userId,
    amount: packet.amount,
    item: "redpacket",
    kind: "red_packet_paid",
    input: { redpacket_no: redpacketNo },
  }, {
    async act(tx, operation) {
      const transactionId = await openForTaking(tx, { ...packet, operation });
      return { transactionId, accepted: await show(tx, { ...packet, userId, redpacketNo }) };
    },
    again: (_tx, transactionId) => Promise.resolve({ transactionId }),
  });
  if (accepted) wake(ctx, accepted);
  return { transactionId };
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

async function openForTaking(
  ctx: Ctx,
  { id, amount, state, expiresAt, blessing, operation }: Packet & { operation: Operation },
): Promise<number> {
  const at = ctx.now();
  const posted = postedAs({
    ...operation,
    remark: blessing,
    at,
    legs: legsAs([
      { kind: "wallet", owner: operation.userId, amount: sql`${-amount}::bigint` },
      { kind: "red_packet", owner: id, amount: sql`${amount}::bigint` },
    ]),
  });
  // Locked before the money moves: of two payments with different tokens one must find it paid.
  const statement = sql`
    with packet as materialized (
      select id from red_packets
      where id = ${id} and state = 'unpaid' and expires_at > ${instant(at)} for update
    ), posted as materialized (
      select packet.id as packet_id, ${posted} as id from packet
    )
    update red_packets set state = 'open', paid_at = ${instant(at)}, transaction_id = posted.id,
      expires_at = ${instant(new Date(at.getTime() + OPEN_LIFE_MS))}
    from posted where red_packets.id = posted.packet_id
    returning transaction_id`;
  const [paid] = await explained(rows(ctx, statement, { transactionId: int8 }));
  if (paid) return paid.transactionId;
  const isTooOld = state === "unpaid" && expiresAt <= at;
  throw new DomainError(isTooOld ? "redpacket_expired" : "redpacket_paid");
}

interface Shown extends Packet {
  userId: number;
  redpacketNo: string;
}

async function show(
  ctx: Ctx,
  { groupId, receiverId, userId, redpacketNo, blessing }: Shown,
): Promise<Accepted> {
  const channel: Channel = groupId === null
    ? { type: ChannelType.person, userId: receiverId! }
    : { type: ChannelType.group, groupId };
  return await acceptMessage(ctx, {
    senderId: userId,
    channel,
    clientMsgNo: `redpacket-${redpacketNo}`,
    payload: JSON.stringify({
      type: ContentType.redPacket,
      redpacket_no: redpacketNo,
      blessing,
      content: `[红包]${blessing}`,
    }),
    redDot: true,
  });
}
