import { and, eq, exists, or, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Ctx } from "../../client/ctx.ts";
import { groupMembers } from "../../schema/groups.ts";
import { redPackets, redPacketShares } from "../../schema/red_packets.ts";
import { users } from "../../schema/users.ts";
import { milliseconds } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { refundIfExpired } from "./expire.ts";
import { type OwnStatus, type PacketStatus, statusFor, statusOf } from "./rules.ts";

export interface PacketKey {
  redpacketNo: string;
  userId: number;
}

export interface PacketFace {
  sender: { uid: string; name: string };
  blessing: string;
  status: PacketStatus;
}

export interface TakenShare {
  uid: string;
  name: string;
  /** 分 */
  amount: number;
  openedAt: Date;
  isLuckiest: boolean;
}

export interface PacketDetail extends Omit<PacketFace, "status"> {
  /** The packet's own, whoever looks. */
  status: OwnStatus;
  type: number;
  isForGroup: boolean;
  /** 分: all shares, what is left of them, what the one who looks has taken. */
  amount: number;
  left: number;
  ownAmount: number;
  shareCount: number;
  openedCount: number;
  finishedAt: Date | null;
  /** From payment to the last share, ms; 0 unless finished. */
  finishedAfterMs: number;
  shares: TakenShare[];
}

const mine = alias(redPacketShares, "mine");

interface ShareRow {
  uid: string;
  name: string;
  amount: number;
  opened_ms: number;
  position: number;
}

/** At most `SHARE_COUNT_MAX`, so they need no limit of their own. */
const takenShares = sql<ShareRow[]>`(
  select coalesce(jsonb_agg(jsonb_build_object('uid', taker.uid, 'name', taker.nickname,
    'amount', share.amount, 'position', share.position,
    'opened_ms', ${milliseconds(sql`share.opened_at`)})
    order by share.position), '[]'::jsonb)
  from red_packet_shares as share join users as taker on taker.id = share.user_id
  where share.packet_id = ${redPackets.id})`;

const noShares = sql<ShareRow[]>`'[]'::jsonb`;

const columns = {
  id: redPackets.id,
  state: redPackets.state,
  expiresAt: redPackets.expiresAt,
  blessing: redPackets.blessing,
  senderUid: users.uid,
  senderName: users.nickname,
  ownAmount: mine.amount,
  type: redPackets.type,
  groupId: redPackets.groupId,
  amount: redPackets.amount,
  openedAmount: redPackets.openedAmount,
  refundedAmount: redPackets.refundedAmount,
  shareCount: redPackets.shareCount,
  openedCount: redPackets.openedCount,
  luckyPosition: redPackets.luckyPosition,
  paidAt: redPackets.paidAt,
  finishedAt: redPackets.finishedAt,
};

function visibleTo({ db }: Ctx, userId: number) {
  const member = db.select({ userId: groupMembers.userId }).from(groupMembers).where(
    and(
      eq(groupMembers.groupId, redPackets.groupId),
      eq(groupMembers.userId, userId),
      sql`${groupMembers.removedAt} is null`,
    ),
  );
  return or(eq(redPackets.senderId, userId), eq(redPackets.receiverId, userId), exists(member));
}

async function findPacket(
  ctx: Ctx,
  { redpacketNo, userId }: PacketKey,
  { withShares }: { withShares: boolean },
) {
  const [packet] = await ctx.db
    .select({ ...columns, shares: withShares ? takenShares : noShares })
    .from(redPackets)
    .innerJoin(users, eq(users.id, redPackets.senderId))
    .leftJoin(mine, and(eq(mine.packetId, redPackets.id), eq(mine.userId, userId)))
    .where(and(eq(redPackets.redpacketNo, redpacketNo), visibleTo(ctx, userId))).limit(1);
  if (!packet) throw new DomainError("redpacket_missing");
  return packet;
}

type Found = Awaited<ReturnType<typeof findPacket>>;

const senderOf = ({ senderUid: uid, senderName: name }: Found) => ({ uid, name });

/**
 * Takes nothing; what is due goes back first.
 * @throws {DomainError} `redpacket_missing`, also for whom it is not for
 */
export async function lookAtRedPacket(ctx: Ctx, key: PacketKey): Promise<PacketFace> {
  const packet = await findPacket(ctx, key, { withShares: false });
  await refundIfExpired(ctx, packet);
  return {
    sender: senderOf(packet),
    blessing: packet.blessing,
    status: statusFor({ ...packet, hasOpened: packet.ownAmount !== null }, ctx.now()),
  };
}

/**
 * What is due goes back first.
 * @throws {DomainError} `redpacket_missing`, also for whom it is not for
 */
export async function readRedPacket(ctx: Ctx, key: PacketKey): Promise<PacketDetail> {
  const seen = await findPacket(ctx, key, { withShares: true });
  const isRefunded = await refundIfExpired(ctx, seen);
  const packet = isRefunded ? await findPacket(ctx, key, { withShares: true }) : seen;
  const { amount, paidAt, finishedAt, luckyPosition } = packet;
  return {
    sender: senderOf(packet),
    blessing: packet.blessing,
    status: statusOf(packet, ctx.now()),
    type: packet.type,
    isForGroup: packet.groupId !== null,
    amount,
    left: amount - packet.openedAmount - packet.refundedAmount,
    ownAmount: packet.ownAmount ?? 0,
    shareCount: packet.shareCount,
    openedCount: packet.openedCount,
    finishedAt,
    finishedAfterMs: finishedAt && paidAt ? finishedAt.getTime() - paidAt.getTime() : 0,
    shares: packet.shares.map((share) => ({
      uid: share.uid,
      name: share.name,
      amount: share.amount,
      openedAt: new Date(share.opened_ms),
      isLuckiest: finishedAt !== null && share.position === luckyPosition,
    })),
  };
}
