import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { instant, int8, maybe, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { legsAs, postedAs } from "../ledger/post.ts";
import { ACCEPT_COLUMNS, acceptedOf, acceptStatementAfter } from "../messages/accept.ts";
import { VERDICTS } from "../messages/channel.ts";
import { ContentType } from "../messages/rules.ts";
import { wake } from "../messages/send.ts";
import { refundIfExpired } from "./expire.ts";
import { type PacketSeen, readForOpening } from "./reads.ts";
import { checkOpening, type OpenInput } from "./rules.ts";
import { isTakenTwice, takeShare } from "./take_shares.ts";

/**
 * Takes the next share of a packet for somebody, once. The share, the money's way from the packet
 * into the wallet and the notice to sender and opener are one statement: the packet's row is
 * locked for no longer than the database needs for it, so a hot packet's openers do not wait for
 * each other's round trips; those of one process are served together ({@link takeShare}).
 * @returns 分 taken
 * @throws {DomainError} `redpacket_missing`, `redpacket_refused`, `redpacket_unpaid`,
 *   `redpacket_opened`, `redpacket_empty`, `redpacket_expired`
 */
export async function openRedPacket(ctx: Ctx, input: OpenInput): Promise<number> {
  const packet = await readForOpening(ctx, input);
  await refuse(ctx, packet);
  const share = packet.groupId === undefined
    ? await takeFromPerson(ctx, input, packet)
    : await takeShare(ctx, { id: packet.id, redpacketNo: input.redpacketNo }, {
      userId: input.userId,
      at: ctx.now(),
      opened: noticeOf(ContentType.redPacketOpened, input.redpacketNo, packet),
      finished: noticeOf(ContentType.redPacketFinished, input.redpacketNo, packet),
    });
  if (share !== undefined) return share;
  // Somebody was faster; what is there now says with what.
  await refuse(ctx, await readForOpening(ctx, input));
  throw new DomainError("redpacket_empty");
}

async function refuse(ctx: Ctx, packet: PacketSeen): Promise<void> {
  if (packet.isInScene) await refundIfExpired(ctx, packet);
  checkOpening(packet, ctx.now());
}

const OPEN_COLUMNS = { ...ACCEPT_COLUMNS, share: maybe(int8) };

/** Between two people the opener says so; there is one share, and nobody else to wait for. */
async function takeFromPerson(
  ctx: Ctx,
  { redpacketNo, userId }: OpenInput,
  packet: PacketSeen,
): Promise<number | undefined> {
  const at = ctx.now();
  const now = instant(at);
  const posted = postedAs({
    kind: "red_packet_opened",
    userId,
    operationKey: redpacketNo,
    input: {},
    at,
    legs: legsAs([
      { kind: "red_packet", owner: sql`packet.id`, amount: sql`-share.amount` },
      { kind: "wallet", owner: userId, amount: sql`share.amount` },
    ]),
  });
  const ctes = sql`packet as (
      update red_packets set opened_count = opened_count + 1,
        opened_amount = opened_amount + (select amount from red_packet_shares as next
          where next.packet_id = red_packets.id and next.position = red_packets.opened_count + 1),
        state = case when opened_count + 1 = share_count then 'finished' else state end,
        finished_at = case when opened_count + 1 = share_count then ${now} end
      where id = ${packet.id} and state = 'open' and opened_count < share_count
        and expires_at > ${now} and not exists (select from red_packet_shares as mine
          where mine.packet_id = red_packets.id and mine.user_id = ${userId})
      returning id, opened_count, share_count
    ), share as (
      update red_packet_shares set user_id = ${userId}, opened_at = ${now} from packet
      where packet_id = packet.id and position = packet.opened_count
      returning red_packet_shares.amount
    ), posted as materialized (
      select ${posted} as id, share.amount from packet, share
    )`;
  const statement = acceptStatementAfter(
    {
      ctes,
      happened: sql`exists (select from posted)`,
      payload: sql`(select case when opened_count = share_count then
      ${noticeOf(ContentType.redPacketFinished, redpacketNo, packet)} else
      ${noticeOf(ContentType.redPacketOpened, redpacketNo, packet)} end from packet)`,
      contentType: sql`(select case when opened_count = share_count
        then ${ContentType.redPacketFinished}::int else ${ContentType.redPacketOpened} end
        from packet)`,
      columns: sql`(select amount from posted) as share`,
    },
    {
      senderId: userId,
      channel: { type: ChannelType.person, userId: packet.sender.userId },
      clientMsgNo: undefined,
      redDot: false,
    },
    at,
  );
  try {
    const said = await rows(ctx, statement, OPEN_COLUMNS);
    const [taken] = said;
    if (taken?.share === undefined) return undefined;
    if (!(taken.verdict in VERDICTS)) wake(ctx, acceptedOf(said, undefined));
    return taken.share;
  } catch (error) {
    if (isTakenTwice(error)) return undefined;
    throw error;
  }
}

function noticeOf(type: number, redpacketNo: string, { sender, opener }: PacketSeen): string {
  const isLast = type === ContentType.redPacketFinished;
  return JSON.stringify({
    type,
    content: isLast ? "{0}领取了{1}的红包，红包已被领完" : "{0}领取了{1}的红包",
    extra: [opener, sender].map(({ uid, name }) => ({ uid, name })),
    redpacket_no: redpacketNo,
    visibles: [...new Set([sender.uid, opener.uid])],
  });
}
