import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { bool, builtFor, instant, type Terms, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { copying, copyingState, newsFor } from "./copy_log.ts";
import { isBehind, readNewest } from "./copy_whole_logs.ts";
import { type ExtendedMessage, type MessageExtra, messageExtraColumn } from "./extra_column.ts";
import { INBOX_COLUMNS, inboxMessageColumns, messageOf } from "./inbox_message.ts";
import { isReadable } from "./seen.ts";

export interface ChannelHistoryInput {
  userId: number;
  /** By the name clients call it. */
  channel: { type: number; no: string };
  /** `down`: the newest up to `startSeq`; `up`: the first from there on. */
  direction: "down" | "up";
  /** Of the person's own numbers, included; 0: from the newest, or from the first. */
  startSeq: number;
  /** Excluded; 0: no end. */
  endSeq: number;
  limit: number;
}

/** A page of a channel's history. */
export interface ChannelPage {
  /** Ascending. */
  messages: ExtendedMessage[];
  /** Whether the range has more, in the direction asked for. */
  hasMore: boolean;
}

/**
 * What was said in a channel as one person has it, without commands and without what they threw
 * away; reading it marks nothing. Who has left a group reads what they had.
 *
 * @throws {DomainError} `channel_missing` for an unknown person, `group_not_member` for a group one
 *   never was in
 */
export async function readChannelHistory(
  ctx: Ctx,
  input: ChannelHistoryInput,
): Promise<ChannelPage> {
  const { channel, direction, limit } = input;
  const isDown = direction === "down";
  const found = await readNewest(ctx, {
    statement: statementOf({ isDown, channelType: channel.type }, valuesOf(input, ctx.now())),
    columns: { ...INBOX_COLUMNS, channelKnown: bool, extra: typed<MessageExtra>() },
  });
  if (!found[0]!.channelKnown) {
    const isPerson = channel.type === ChannelType.person;
    throw new DomainError(isPerson ? "channel_missing" : "group_not_member");
  }
  const messages = found.filter(({ seq }) => seq !== undefined)
    .map((row) => ({ ...messageOf(row, input.userId), extra: row.extra }));
  const hasMore = messages.length > limit;
  const page = isDown ? messages.slice(-limit) : messages.slice(0, limit);
  return { messages: page, hasMore };
}

interface ChannelShape {
  isDown: boolean;
  channelType: number;
}

interface ChannelValues {
  userId: number;
  channelNo: string;
  /** The smallest and the largest number, both included. */
  fromSeq: number;
  toSeq: number;
  countMax: number;
  /** ISO 8601. */
  at: string;
}

function valuesOf(
  { userId, channel, direction, startSeq, endSeq, limit }: ChannelHistoryInput,
  at: Date,
): ChannelValues {
  const [fromSeq, toSeq] = direction === "down"
    ? [endSeq + 1, startSeq || Number.MAX_SAFE_INTEGER]
    : [startSeq, endSeq ? endSeq - 1 : Number.MAX_SAFE_INTEGER];
  const countMax = limit + 1;
  return { userId, channelNo: channel.no, fromSeq, toSeq, countMax, at: at.toISOString() };
}

const statementOf = builtFor<ChannelShape, ChannelValues>(channelStatement);

/**
 * A channel's internal id by the name clients call it: of a group one is or was in; null when there
 * is none for this person.
 */
export function ownChannelId(
  channelType: number,
  { userId, channelNo }: Terms<{ userId: number; channelNo: string }>,
): SQL {
  return channelType === ChannelType.person
    ? sql`(select id from users where uid = ${channelNo})`
    : sql`(select groups.id from groups join group_members on group_members.group_id = groups.id
        where groups.group_no = ${channelNo} and group_members.user_id = ${userId})`;
}

function channelStatement(
  { isDown, channelType }: ChannelShape,
  given: Terms<ChannelValues>,
): SQL {
  const { userId, fromSeq, toSeq, countMax, at } = given;
  const order = sql`order by seq ${sql.raw(isDown ? "desc" : "asc")} limit ${countMax}`;
  const part = (rows: "inbox" | "copied") => {
    const its = (column: string) => sql.raw(`${rows}.${column}`);
    return sql`(select ${its("seq")}, ${its("message_id")}, ${its("channel_type")}, ${
      its("channel_id")
    }
      from ${sql.raw(rows)} join messages on messages.id = ${its("message_id")}
      where ${its("user_id")} = ${userId} and ${its("channel_type")} = ${channelType}::smallint
        and ${its("channel_id")} = (select channel_id from place)
        and ${its("seq")} between ${fromSeq} and ${toSeq}
        and ${isReadable(rows, sql`(select cleared_seq from place)`)}
      ${order})`;
  };
  return sql`
    with ${copying({ news: newsFor(userId), now: instant(at) })}, named as (
      select ${ownChannelId(channelType, given)} as channel_id
    ), place as materialized (
      select named.channel_id, coalesce(conversations.cleared_seq, 0) as cleared_seq
      from named left join conversations on conversations.user_id = ${userId}
        and conversations.channel_type = ${channelType}::smallint
        and conversations.channel_id = named.channel_id
    ), found as (
      ${part("inbox")} union all ${part("copied")} ${order}
    )
    select ${copyingState(userId)}, ${isBehind}, place.channel_id is not null as channel_known,
      ${inboxMessageColumns("found")}, false as is_deleted,
      ${messageExtraColumn("found", userId)}
    from place left join found on true left join messages on messages.id = found.message_id
    order by found.seq`;
}
