import { sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../db/client/ctx.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { post } from "../../db/domain/ledger/post.ts";
import { acceptMessage } from "../../db/domain/messages/accept.ts";
import { ContentType } from "../../db/domain/messages/rules.ts";
import { wake } from "../../db/domain/messages/send.ts";
import { readForOpening } from "../../db/domain/red_packets/reads.ts";
import { checkOpening, type OpenInput } from "../../db/domain/red_packets/rules.ts";
import { ChannelType } from "../../db/schema/messages.ts";

interface Locked extends Record<string, unknown> {
  opened_count: number;
  share_count: number;
  amount: string;
}

/**
 * What `openRedPacket` does, as it is usually written: lock the packet, take the share, move the
 * money, tell the two, each a statement of its own. The packet stays locked over five round trips.
 */
export async function openInFiveTrips(ctx: Ctx, input: OpenInput): Promise<number> {
  const { redpacketNo, userId } = input;
  const packet = await readForOpening(ctx, input);
  checkOpening(packet, ctx.now());
  const { amount, accepted } = await withTx(ctx, async (tx) => {
    const { rows: [locked] } = await tx.db.execute<Locked>(sql`
      select opened_count, share_count, (select amount from red_packet_shares
        where packet_id = red_packets.id and position = opened_count + 1)::text as amount
      from red_packets where id = ${packet.id} for update`);
    const { opened_count: taken, share_count: count } = locked!;
    if (taken === count) throw new DomainError("redpacket_empty");
    const amount = Number(locked!.amount);
    const now = tx.now().toISOString();
    await tx.db.execute(sql`
      with packet as (
        update red_packets set opened_count = opened_count + 1,
          opened_amount = opened_amount + ${amount},
          state = case when opened_count + 1 = share_count then 'finished' else state end,
          finished_at = case when opened_count + 1 = share_count then ${now}::timestamptz end
        where id = ${packet.id}
      )
      update red_packet_shares set user_id = ${userId}, opened_at = ${now}::timestamptz
      where packet_id = ${packet.id} and position = ${taken + 1}`);
    await post(tx, {
      kind: "red_packet_opened",
      userId,
      operationKey: redpacketNo,
      input: {},
      legs: [
        { kind: "red_packet", owner: packet.id, amount: -amount },
        { kind: "wallet", owner: userId, amount },
      ],
    });
    const isLast = taken + 1 === count;
    const accepted = await acceptMessage(tx, {
      senderId: undefined,
      channel: { type: ChannelType.group, groupId: packet.groupId! },
      clientMsgNo: undefined,
      redDot: false,
      visibleTo: [packet.sender.userId, userId],
      payload: JSON.stringify({
        type: isLast ? ContentType.redPacketFinished : ContentType.redPacketOpened,
        content: isLast ? "{0}领取了{1}的红包，红包已被领完" : "{0}领取了{1}的红包",
        extra: [packet.opener, packet.sender].map(({ uid, name }) => ({ uid, name })),
        redpacket_no: redpacketNo,
        visibles: [packet.sender.uid, packet.opener.uid],
      }),
    });
    return { amount, accepted };
  });
  wake(ctx, accepted);
  return amount;
}
