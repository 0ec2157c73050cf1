import { type SQL, sql } from "drizzle-orm";
import { Together } from "../../../config/runtime/together.ts";
import type { Ctx, Db } from "../../client/ctx.ts";
import { brokenConstraintOf } from "../../client/errors.ts";
import { ChannelType } from "../../schema/messages.ts";
import { built, int8, maybe, rows, type Terms } from "../../sql.ts";
import { postedToMany } from "../ledger/post.ts";
import { copying, newsOf } from "../messages/copy_log.ts";
import { ContentType } from "../messages/rules.ts";
import { wake } from "../messages/send.ts";

/** Shares one statement takes; as many as a packet has. */
const TAKERS_COUNT_MAX = 100;

/** Somebody who wants a share of a group's packet. */
export interface Taker {
  userId: number;
  at: Date;
  /** What the two are told, JSON text: of any share, and of the last one. */
  opened: string;
  finished: string;
}

export interface HotPacket {
  id: number;
  redpacketNo: string;
}

/** By handle: only one's own transaction sees what it has written. */
const lines = new WeakMap<Db, Together<Taker, number | undefined>>();

function linesOf(db: Db): Together<Taker, number | undefined> {
  const known = lines.get(db);
  if (known) return known;
  const made = new Together<Taker, number | undefined>({
    countMax: TAKERS_COUNT_MAX,
    nameOf: ({ userId }) => userId,
    isOnesOwn: isTakenTwice,
  });
  lines.set(db, made);
  return made;
}

/**
 * Takes the next share of a group's packet for somebody. Shares, the money's way from the packet
 * into the wallets and the notices to sender and openers are one statement, for all who come to this
 * process while another is under way: nobody waits for the packet, the sender's inbox or the disk
 * but once, and the packet is locked for no longer than the database needs.
 * @returns 分 taken; undefined: somebody was faster, or it is too late
 */
export async function takeShare(
  ctx: Ctx,
  packet: HotPacket,
  taker: Taker,
): Promise<number | undefined> {
  try {
    return await linesOf(ctx.db).take(packet.id, taker, (takers) => takeAll(ctx, packet, takers));
  } catch (error) {
    if (isTakenTwice(error)) return undefined;
    throw error;
  }
}

/** By the same person at another process, in this moment. */
export function isTakenTwice(error: unknown): boolean {
  const constraint = brokenConstraintOf(error);
  return constraint === "red_packet_shares_once" || constraint === "transactions_operation";
}

async function takeAll(
  ctx: Ctx,
  { id, redpacketNo }: HotPacket,
  takers: Taker[],
): Promise<(number | undefined)[]> {
  const asked = takers.map(({ userId, at, opened, finished }, place) => ({
    place,
    user_id: userId,
    at,
    opened,
    finished,
  }));
  const statement = takingStatement({ id, redpacketNo, asked: JSON.stringify(asked) });
  const taken = await rows(ctx, statement, {
    userId: int8,
    amount: int8,
    seq: maybe(int8),
    senderId: int8,
    senderSeq: maybe(int8),
  });
  const heads = new Map(
    taken.flatMap(({ userId, seq, senderId, senderSeq }) => [[senderId, senderSeq], [userId, seq]]),
  );
  const deliveries = [...heads].flatMap(([userId, seq]) =>
    seq === undefined ? [] : [{ userId, seq }]
  );
  wake(ctx, { deliveries, loggedInGroup: undefined });
  const amounts = new Map(taken.map(({ userId, amount }) => [userId, amount]));
  return takers.map(({ userId }) => amounts.get(userId));
}

interface Given extends Record<string, unknown> {
  id: number;
  redpacketNo: string;
  /** JSON of {@link Taker}s, with their place. */
  asked: string;
}

const takingStatement = built<Given>((given) =>
  sql`
  with ${taking(given)}, posted as materialized (
    select ${posting(given)} as share_count from share having count(*) > 0
  ), ${telling}
  select share.user_id, share.amount, packet.sender_id, own.last_seq as seq,
    senders.last_seq as sender_seq
  from posted cross join packet cross join share
  left join heads as own on own.user_id = share.user_id
  left join heads as senders on senders.user_id = packet.sender_id`
);

/** `packet`, whose row is locked from here on; `share`, those that are taken. */
function taking({ id, asked }: Terms<Given>): SQL {
  return sql`packet as materialized (
    select id, sender_id, group_id, state, opened_count, share_count, expires_at from red_packets
    where id = ${id} for update
  ), taker as materialized (
    select asked.*, packet.opened_count + row_number() over (order by asked.place) as position
    from packet cross join jsonb_to_recordset(${asked}::jsonb) as asked
      (place int, user_id bigint, at timestamptz, opened text, finished text)
    where packet.state = 'open' and asked.at < packet.expires_at
      and not exists (select from red_packet_shares as mine
        where mine.packet_id = packet.id and mine.user_id = asked.user_id)
  ), share as (
    update red_packet_shares set user_id = taker.user_id, opened_at = taker.at from taker
    where packet_id = ${id} and red_packet_shares.position = taker.position
    returning red_packet_shares.position, red_packet_shares.user_id, amount, opened_at
  ), counted as (
    update red_packets set opened_count = packet.opened_count + taken.count,
      opened_amount = opened_amount + taken.amount,
      state = case when packet.opened_count + taken.count = packet.share_count then 'finished'
        else packet.state end,
      finished_at = case when packet.opened_count + taken.count = packet.share_count
        then taken.last_at end
    from packet, (
      select count(*) as count, sum(amount) as amount, max(opened_at) as last_at from share
    ) as taken
    where red_packets.id = packet.id and taken.count > 0
  )`;
}

function posting({ id, redpacketNo }: Terms<Given>): SQL {
  return postedToMany({
    kind: "red_packet_opened",
    operationKey: redpacketNo,
    input: {},
    from: { kind: "red_packet", owner: id },
    shares: sql`jsonb_agg(jsonb_build_object('user_id', user_id, 'amount', amount,
      'at', opened_at))`,
  });
}

/** The notices, each to the sender and its opener, behind what the group has logged before them. */
const telling: SQL = sql`notice as materialized (
    select nextval(pg_get_serial_sequence('messages', 'id')) as id, user_id, sender_id, group_id,
      case when is_last then finished else opened end as payload,
      case when is_last then ${ContentType.redPacketFinished}::int
        else ${ContentType.redPacketOpened} end as content_type, at
    from (
      select taker.user_id, taker.at, taker.opened, taker.finished, packet.sender_id,
        packet.group_id, share.position = packet.share_count as is_last
      from posted cross join share join taker on taker.user_id = share.user_id cross join packet
      where exists (select from groups where id = packet.group_id and disbanded_at is null)
      order by share.position
    ) as share
  ), message as (
    insert into messages (id, channel_type, group_id, payload, content_type, red_dot, created_at)
    overriding system value
    select id, ${ChannelType.group}, group_id, payload, content_type, false, at from notice
  ), hearer as materialized (
    select told.* from (
      select user_id, group_id, id from notice union select sender_id, group_id, id from notice
    ) as told cross join lateral (
      -- The limit keeps the planner to the index.
      select from group_members where group_id = told.group_id and user_id = told.user_id
        and removed_at is null limit 1
    ) as member
  ), ${
  copying({
    news: newsOf(sql`group_members.group_id = (select group_id from packet)
      and group_members.user_id in (select user_id from hearer)`),
    now: sql`(select max(at) from notice)`,
    behind: sql`
      select user_id, group_id, null::bigint as seq, id as message_id, false as is_unread,
        true as is_listed, false as is_own, id as place_id
      from hearer`,
  })
}`;
