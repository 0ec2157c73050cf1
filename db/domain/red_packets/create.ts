import { type SQL, sql } from "drizzle-orm";
import { randomInt } from "node:crypto";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { ChannelType } from "../../schema/messages.ts";
import { instant, listOf } from "../../sql.ts";
import { DomainError, type Kind } from "../errors.ts";
import { checkAmount } from "../ledger/rules.ts";
import { payeeOf } from "../transfers/payee.ts";
import {
  BLESSING_DEFAULT,
  checkTerms,
  type Draw,
  drawShares,
  luckiestOf,
  type PacketTerms,
  UNPAID_LIFE_MS,
} from "./rules.ts";

export interface CreateInput extends PacketTerms {
  userId: number;
  scene: { type: typeof ChannelType[keyof typeof ChannelType]; id: string };
  /** Empty: the usual one. */
  blessing: string;
}

const drawSecurely: Draw = (from, to) => randomInt(from, to + 1);

/**
 * Makes a packet and draws its shares, so that opening is no more than taking the next one. No
 * money moves: it waits ten minutes to be paid (`payRedPacket`).
 * @returns the packet's number
 * @throws {DomainError} `amount_invalid`, `redpacket_invalid`; `user_missing`, `self_refused`,
 *   `friend_missing`; `group_missing`, `group_disbanded`, `group_not_member`
 */
export async function createRedPacket(
  ctx: Ctx,
  input: CreateInput,
  draw: Draw = drawSecurely,
): Promise<string> {
  const { userId, scene, type, amount, shareCount, blessing } = input;
  const isForPerson = scene.type === ChannelType.person;
  checkAmount(amount);
  checkTerms(input);
  if (isForPerson && shareCount !== 1) throw new DomainError("redpacket_invalid");
  const shares = drawShares(input, draw);
  const redpacketNo = randomHex32();
  const now = ctx.now();
  const { rows: [found] } = await ctx.db.execute<{ refusal: Kind | null }>(sql`
    with scene as (
      ${isForPerson ? friendScene(input) : groupScene(input)}
    ), packet as (
      insert into red_packets (redpacket_no, sender_id, group_id, receiver_id, type, amount,
        share_count, lucky_position, blessing, created_at, expires_at)
      select ${redpacketNo}, ${userId}::bigint, group_id, receiver_id, ${type}, ${amount}::bigint,
        ${shareCount}, ${luckiestOf(input, shares)}, ${blessing || BLESSING_DEFAULT},
        ${instant(now)}, ${instant(new Date(now.getTime() + UNPAID_LIFE_MS))}
      from scene where refusal is null
      returning id
    ), shared as (
      insert into red_packet_shares (packet_id, position, amount)
      select packet.id, share.position, share.amount
      from packet, unnest(${listOf(shares, "bigint")}) with ordinality
        as share (amount, position)
    )
    select refusal from scene`);
  if (!found) throw new DomainError(isForPerson ? "user_missing" : "group_missing");
  if (found.refusal !== null) throw new DomainError(found.refusal);
  return redpacketNo;
}

function friendScene({ userId, scene }: CreateInput): SQL {
  return sql`select null::bigint as group_id, id as receiver_id, refusal
    from (${payeeOf({ userId, uid: scene.id })}) as payee`;
}

function groupScene({ userId, scene, shareCount }: CreateInput): SQL {
  return sql`select groups.id as group_id, null::bigint as receiver_id, case
      when disbanded_at is not null then 'group_disbanded'
      when mine.user_id is null then 'group_not_member'
      when member_count < ${shareCount} then 'redpacket_invalid' end as refusal
    from groups left join group_members as mine on mine.group_id = groups.id
      and mine.user_id = ${userId} and mine.removed_at is null
    where groups.group_no = ${scene.id} and groups.app_id = ${HOUSE_APP_ID}`;
}
