import { type SQL, sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
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
  /** Only what customers and those who help at this desk said to each other. */
  storeId?: number | undefined;
  /** Only what came before this message. */
  beforeId?: number | undefined;
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
 * the person's inbox stays as it is. What the newest have shown nobody counts as offline any more.
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

function historyStatement({ tenantId, userId, storeId, beforeId }: ReadHistoryInput): SQL {
  const me = sql`${userId}::bigint`;
  const ofStore = storeId !== undefined;
  const asked = ofStore ? sql`and id = ${storeId}` : sql``;
  const newest = (shown: SQL) =>
    sql`(select * from (${shown}) as shown where ${isBefore(sql`message_id`, beforeId)}
      order by message_id desc limit ${HISTORY_COUNT_MAX})`;
  const shown = ofStore
    ? shownOf(me, keptAtDesk(me, beforeId))
    : sql`${newest(shownOf(me, keptBy(me, beforeId)))}
      union all ${newest(shownOf(me, loggedFor(me, sql`group_members.log_seq`)))}`;
  const uidOf = (id: SQL) => sql`(select app_uid from users where users.id = ${id})`;
  const other = sql`shown.channel_id`;
  const marked = beforeId === undefined ? sql`, ${markShown(me, { ofStore })}` : sql``;
  return sql`
    with desks as materialized (
      select id from stores where app_id = ${tenantId} ${asked}
    ), helpers as materialized (
      select distinct user_id from sellers where store_id in (select id from desks)
    ), shown as (
      ${shown} order by message_id desc limit ${HISTORY_COUNT_MAX}
    )${marked}
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

const isCustomer = (id: SQL) => sql`exists (select 1 from customers where user_id = ${id})`;
/** At one of the desks asked about. */
const isHelper = (id: SQL) => sql`${id} in (select user_id from helpers)`;
/** Of a row of somebody's inbox: a customer's chat with who helps, as either has it. */
const isAtDesk = (me: SQL) =>
  sql`(inbox.channel_type = ${ChannelType.person} and (
    (${isCustomer(me)} and ${isHelper(sql`inbox.channel_id`)})
    or (${isHelper(me)} and ${isCustomer(sql`inbox.channel_id`)})))`;

function isBefore(messageId: SQL, beforeId: number | undefined): SQL {
  return beforeId === undefined ? sql`true` : sql`${messageId} < ${beforeId}`;
}

/** By message, not by number: a large group's message gets its number whenever it is copied. */
function keptBy(userId: SQL, beforeId: number | undefined): SQL {
  return sql`
    select message_id, seq, channel_type, channel_id, deleted_at from inbox
    where user_id = ${userId} and ${isBefore(sql`message_id`, beforeId)}
    order by message_id desc limit ${LOOKED_AT_COUNT_MAX}`;
}

function keptAtDesk(userId: SQL, beforeId: number | undefined): SQL {
  return sql`
    select message_id, seq, channel_type, channel_id, deleted_at from inbox
    where user_id = ${userId} and ${isAtDesk(userId)} and ${isBefore(sql`message_id`, beforeId)}
    order by message_id desc limit ${LOOKED_AT_COUNT_MAX}`;
}

/**
 * Moves the person's marks up to what there is now, of a desk's history as far as nothing else lies
 * before it. What comes meanwhile is behind the numbers read here.
 */
function markShown(me: SQL, { ofStore }: { ofStore: boolean }): SQL {
  const otherNews = sql`(select min(inbox.seq) - 1 from inbox
    where inbox.user_id = ${me} and inbox.seq > greatest(heads.acked_seq, heads.shown_seq)
      and not ${isAtDesk(me)} and exists (select from messages
        where messages.id = inbox.message_id and messages.sender_id is distinct from ${me}))`;
  const inInbox = sql`head as materialized (
      select ${ofStore ? sql`coalesce(${otherNews}, heads.last_seq)` : sql`heads.last_seq`} as seq
      from inbox_heads as heads
      where heads.user_id = ${me} and heads.last_seq > greatest(heads.acked_seq, heads.shown_seq)
    ), inbox_shown as (
      update inbox_heads set shown_seq = head.seq from head
      where user_id = ${me} and shown_seq < head.seq
    )`;
  if (ofStore) return inInbox;
  return sql`${inInbox}, logs as materialized (
      select group_members.group_id, group_heads.last_seq
      from group_members join group_heads on group_heads.group_id = group_members.group_id
      where group_members.user_id = ${me} and group_members.removed_at is null
        and group_heads.last_seq >
          greatest(group_members.log_seq, group_members.synced_seq, group_members.shown_seq)
    ), logs_shown as (
      update group_members set shown_seq = logs.last_seq from logs
      where group_members.group_id = logs.group_id and user_id = ${me}
        and shown_seq < logs.last_seq
    )`;
}
