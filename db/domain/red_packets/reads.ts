import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import type { RedPacketState } from "../../schema/red_packets.ts";
import { milliseconds } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { OpeningFacts, OpenInput } from "./rules.ts";

interface Named {
  userId: number;
  uid: string;
  name: string;
}

/** A packet as somebody who wants to open it finds it. */
export interface PacketSeen extends OpeningFacts {
  id: number;
  /** Absent: a packet for one person. */
  groupId: number | undefined;
  sender: Named;
  opener: Named;
}

interface SeenRow extends Record<string, unknown> {
  id: string;
  group_id: string | null;
  state: RedPacketState;
  opened_count: number;
  share_count: number;
  expires_ms: string;
  sender_id: string;
  sender_uid: string;
  sender_name: string;
  opener_uid: string;
  opener_name: string;
  has_opened: boolean;
  is_in_scene: boolean;
}

/**
 * Looks before opening; locks nothing.
 *
 * @throws {DomainError} `redpacket_missing`
 */
export async function readForOpening(
  ctx: Ctx,
  { redpacketNo, userId, channel }: OpenInput,
): Promise<PacketSeen> {
  const { rows } = await ctx.db.execute<SeenRow>(sql`
    select packet.id::text, packet.group_id::text, packet.state, packet.opened_count,
      packet.share_count, ${milliseconds(sql`packet.expires_at`)} as expires_ms,
      sender.id::text as sender_id, sender.uid as sender_uid, sender.nickname as sender_name,
      opener.uid as opener_uid, opener.nickname as opener_name,
      exists (select from red_packet_shares where packet_id = packet.id and user_id = opener.id)
        as has_opened,
      case when packet.group_id is null
        then packet.receiver_id = opener.id and ${channel.type} = ${ChannelType.person}::int
          and sender.uid = ${channel.id}
        else ${channel.type} = ${ChannelType.group}::int and exists (
          select from group_members join groups on groups.id = group_members.group_id
          where group_id = packet.group_id and user_id = opener.id and removed_at is null
            and groups.group_no = ${channel.id}) end as is_in_scene
    from red_packets as packet join users as sender on sender.id = packet.sender_id
    join users as opener on opener.id = ${userId}
    where packet.redpacket_no = ${redpacketNo}`);
  const row = rows[0];
  if (!row) throw new DomainError("redpacket_missing");
  return {
    id: Number(row.id),
    groupId: row.group_id === null ? undefined : Number(row.group_id),
    state: row.state,
    openedCount: row.opened_count,
    shareCount: row.share_count,
    expiresAt: new Date(Number(row.expires_ms)),
    sender: { userId: Number(row.sender_id), uid: row.sender_uid, name: row.sender_name },
    opener: { userId, uid: row.opener_uid, name: row.opener_name },
    hasOpened: row.has_opened,
    isInScene: row.is_in_scene,
  };
}
