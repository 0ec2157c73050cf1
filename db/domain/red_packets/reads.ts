import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import type { RedPacketState } from "../../schema/red_packets.ts";
import {
  bool,
  built,
  int4,
  int8,
  maybe,
  milliseconds,
  rows,
  text,
  time,
  typed,
} from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { OpeningFacts, OpenInput } from "./rules.ts";

interface Named {
  userId: number;
  uid: string;
  name: string;
}

export interface PacketSeen extends OpeningFacts {
  id: number;
  /** Absent: a packet for one person. */
  groupId: number | undefined;
  sender: Named;
  opener: Named;
}

const columns = {
  id: int8,
  groupId: maybe(int8),
  state: typed<RedPacketState>(),
  openedCount: int4,
  shareCount: int4,
  expiresAt: time,
  senderId: int8,
  senderUid: text,
  senderName: text,
  openerUid: text,
  openerName: text,
  hasOpened: bool,
  isInScene: bool,
};

/** @throws {DomainError} `redpacket_missing` */
export async function readForOpening(
  ctx: Ctx,
  { redpacketNo, userId, channel }: OpenInput,
): Promise<PacketSeen> {
  const { type: channelType, id: channelNo } = channel;
  const statement = readingStatement({ redpacketNo, userId, channelType, channelNo });
  const [row] = await rows(ctx, statement, columns);
  if (!row) throw new DomainError("redpacket_missing");
  const { senderId, senderUid, senderName, openerUid, openerName, ...packet } = row;
  return {
    ...packet,
    sender: { userId: senderId, uid: senderUid, name: senderName },
    opener: { userId, uid: openerUid, name: openerName },
  };
}

interface ReadValues extends Record<string, unknown> {
  redpacketNo: string;
  userId: number;
  channelType: number;
  channelNo: string;
}

const readingStatement = built<ReadValues>(({ redpacketNo, userId, channelType, channelNo }) =>
  sql`
    select packet.id, packet.group_id, packet.state, packet.opened_count,
      packet.share_count, ${milliseconds(sql`packet.expires_at`)} as expires_at,
      sender.id as sender_id, sender.uid as sender_uid, sender.nickname as sender_name,
      opener.uid as opener_uid, opener.nickname as opener_name,
      exists (select from red_packet_shares where packet_id = packet.id and user_id = opener.id)
        as has_opened,
      case when packet.group_id is null
        then packet.receiver_id = opener.id and ${channelType}::int = ${ChannelType.person}::int
          and sender.uid = ${channelNo}
        else ${channelType}::int = ${ChannelType.group}::int and exists (
          select from group_members join groups on groups.id = group_members.group_id
          where group_id = packet.group_id and user_id = opener.id and removed_at is null
            and groups.group_no = ${channelNo}) end as is_in_scene
    from red_packets as packet join users as sender on sender.id = packet.sender_id
    join users as opener on opener.id = ${userId}
    where packet.redpacket_no = ${redpacketNo}`
);
