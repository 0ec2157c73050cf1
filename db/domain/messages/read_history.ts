import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import {
  bool,
  int4,
  int8,
  long,
  maybe,
  milliseconds,
  type Row,
  rows,
  text,
  time,
} from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { contentsOf } from "./content.ts";
import { commandOf, HISTORY_COUNT_MAX, LOOKED_AT_COUNT_MAX } from "./rules.ts";
import { loggedFor, shownOf } from "./shown.ts";

export interface ReadHistoryInput {
  tenantId: number;
  userId: number;
  /** Only what was said between the person and those who help at this desk. */
  storeId?: number | undefined;
}

/** A message, or one of several notifications in it, as a partner's client reads it. */
export interface HistoryMessage {
  messageId: number;
  /** Exactly what the partner sent, or the words of a text from the chat app. */
  content: string;
  createdAt: Date;
  /** The sender's number in the app; 0: the system. */
  senderUid: LongInteger;
  /** The receiver's number in the app, or the group's id. */
  receiverId: LongInteger;
  command: number;
}

/**
 * The newest messages of one of the app's people, {@link HISTORY_COUNT_MAX} at most, newest first,
 * each of a message's notifications by itself. What large groups have logged is read where it lies:
 * the person's inbox stays as it is.
 *
 * @throws {DomainError} `store_missing`, also for another app's desk
 */
export async function readHistory(ctx: Ctx, input: ReadHistoryInput): Promise<HistoryMessage[]> {
  const found = await rows(ctx, historyStatement(input), HISTORY_COLUMNS);
  if (input.storeId !== undefined && !found[0]!.hasDesks) throw new DomainError("store_missing");
  return found.filter(({ messageId }) => messageId !== undefined).flatMap(messagesOf);
}

const HISTORY_COLUMNS = {
  hasDesks: bool,
  messageId: maybe(int8),
  channelType: int4,
  payload: text,
  createdAt: time,
  /** Absent: the system. */
  senderUid: maybe(long),
  receiverUid: long,
  byCustomer: maybe(bool),
};

function messagesOf(row: Row<typeof HISTORY_COLUMNS>): HistoryMessage[] {
  const message = {
    messageId: row.messageId!,
    createdAt: row.createdAt,
    senderUid: row.senderUid ?? 0,
    receiverId: row.receiverUid,
    command: commandOf({
      isInGroup: row.channelType === ChannelType.group,
      hasSender: row.senderUid !== undefined,
      isByCustomer: row.byCustomer,
    }),
  };
  return contentsOf(row.payload).reverse().map((content) => ({ ...message, content }));
}

function historyStatement({ tenantId, userId, storeId }: ReadHistoryInput): SQL {
  const me = sql`${userId}::bigint`;
  const asked = storeId === undefined ? sql`` : sql`and id = ${storeId}`;
  const newest = (shown: SQL) =>
    sql`(${shown} order by message_id desc limit ${HISTORY_COUNT_MAX})`;
  const shown = storeId === undefined
    ? sql`${newest(shownOf(me, keptBy(me)))}
      union all ${newest(shownOf(me, loggedFor(me, sql`group_members.log_seq`)))}`
    : shownOf(me, keptWithHelpers(me));
  const uidOf = (id: SQL) => sql`(select app_uid from users where users.id = ${id})`;
  const isCustomer = (id: SQL) => sql`exists (select 1 from customers where user_id = ${id})`;
  const isHelper = (id: SQL) => sql`${id} in (select user_id from helpers)`;
  const other = sql`shown.channel_id`;
  return sql`
    with desks as materialized (
      select id from stores where app_id = ${tenantId} ${asked}
    ), helpers as materialized (
      select distinct user_id from sellers where store_id in (select id from desks)
    ), shown as (
      ${shown} order by message_id desc limit ${HISTORY_COUNT_MAX}
    )
    select exists (select 1 from desks) as has_desks, shown.message_id, shown.channel_type,
      shown.payload, ${milliseconds(sql`shown.created_at`)} as created_at,
      ${uidOf(sql`shown.sender_id`)} as sender_uid,
      case when shown.channel_type = ${ChannelType.group} then ${other}
        when shown.sender_id = ${me} then ${uidOf(other)} else ${uidOf(me)} end
        as receiver_uid,
      case when shown.channel_type = ${ChannelType.group} then null
        when ${isCustomer(me)} and ${isHelper(other)} then shown.sender_id = ${me}
        when ${isHelper(me)} and ${isCustomer(other)} then shown.sender_id <> ${me} end
        as by_customer
    from (select 1) as one left join shown on true
    order by shown.message_id desc`;
}

/** By message, not by number: a large group's message gets its number whenever it is copied. */
function keptBy(userId: SQL): SQL {
  return sql`
    select message_id, seq, channel_type, channel_id, deleted_at from inbox
    where user_id = ${userId} order by message_id desc limit ${LOOKED_AT_COUNT_MAX}`;
}

function keptWithHelpers(userId: SQL): SQL {
  return sql`
    select found.* from helpers cross join lateral (
      select message_id, seq, channel_type, channel_id, deleted_at from inbox
      where inbox.user_id = ${userId} and inbox.channel_type = ${ChannelType.person}
        and inbox.channel_id = helpers.user_id
      order by inbox.seq desc limit ${LOOKED_AT_COUNT_MAX}
    ) as found`;
}
