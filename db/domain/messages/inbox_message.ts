import { type SQL, sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import { ChannelType } from "../../schema/messages.ts";
import { bool, int4, int8, long, maybe, milliseconds, type Row, text, time } from "../../sql.ts";
import { numberShown } from "./client_numbers.ts";
import { payloadShown } from "./seen.ts";

export { ChannelType };

/** A message as it lies in one person's inbox. */
export interface InboxMessage {
  messageId: number;
  seq: number;
  channelType: number;
  /** uid of the other person, or the group's number; what clients call the channel. */
  channelNo: string;
  /** What partners call the channel: the other person's number in their app, or the group's id. */
  channelId: LongInteger;
  /** Empty: the system. */
  fromUid: string;
  /** The sender's number in their app; 0: the system. */
  fromId: LongInteger;
  /** Comes from the log of a super group, which partners' clients read by itself. */
  isOfSuperGroup: boolean;
  /** {@link numberShown} */
  clientMsgNo: string;
  /** Of a message taken back only that (`payloadShown`). */
  payload: string;
  /** Never of what tells its reader of their own doing. */
  redDot: boolean;
  syncOnce: boolean;
  /** Bits of `KeptSetting`. */
  setting: number;
  createdAt: Date;
  /** The owner threw it away. */
  isDeleted: boolean;
  /** Taken back, and by whom. */
  revokerUid: string | undefined;
}

/**
 * What {@link inboxMessageColumns} answer. Without a `seq` the row has no message: it says only what
 * the query says besides.
 */
export const INBOX_COLUMNS = {
  seq: maybe(int8),
  messageId: int8,
  channelType: int4,
  channelNo: maybe(text),
  channelAppId: maybe(long),
  fromUid: maybe(text),
  fromAppUid: maybe(long),
  ofSuperGroup: maybe(bool),
  clientMsgNo: maybe(text),
  payload: text,
  redDot: bool,
  actorId: maybe(int8),
  syncOnce: bool,
  setting: int4,
  createdAt: time,
  isDeleted: bool,
  revoked: bool,
  revokerUid: maybe(text),
};

type InboxRow = Row<typeof INBOX_COLUMNS>;

/**
 * Columns of an {@link InboxMessage}, for a query in which `messages` is joined to rows with `seq`,
 * `message_id`, `channel_type` and `channel_id`; whether it is deleted the query itself says.
 */
export function inboxMessageColumns(rows: "found" | "shown"): SQL {
  const its = (column: string) => sql.raw(`${rows}.${column}`);
  return sql`${its("seq")}, ${its("message_id")}, ${its("channel_type")},
      ${channelNoOf(rows)} as channel_no,
      case when ${its("channel_type")} = ${ChannelType.person}
        then (select app_uid from users where id = ${its("channel_id")})
        else ${its("channel_id")} end as channel_app_id,
      (select uid from users where id = messages.sender_id) as from_uid,
      (select app_uid from users where id = messages.sender_id) as from_app_uid,
      messages.is_logged and (select is_super from groups where id = messages.group_id)
        as of_super_group,
      messages.client_msg_no, ${payloadShown()} as payload, messages.red_dot, messages.actor_id,
      messages.sync_once, messages.setting,
      ${milliseconds(sql`messages.created_at`)} as created_at,
      messages.revoked_at is not null as revoked,
      (select uid from users where id = messages.revoker_id) as revoker_uid`;
}

/** What clients call the channel of rows with `channel_type` and `channel_id`. */
export function channelNoOf(rows: string): SQL {
  const its = (column: string) => sql.raw(`${rows}.${column}`);
  return sql`case when ${its("channel_type")} = ${ChannelType.person}
        then (select uid from users where id = ${its("channel_id")})
        else (select group_no from groups where id = ${its("channel_id")}) end`;
}

/** As much as a client says of where a message was said. */
export interface ChannelSaid {
  type?: number | undefined;
  no?: string | undefined;
}

/** Whether rows with `channel_type` and `channel_id` are of that channel, as far as it is named. */
export function isInChannel(rows: string, channel: ChannelSaid = {}): SQL {
  const type = channel.type === undefined
    ? sql`true`
    : sql`${sql.raw(`${rows}.channel_type`)} = ${channel.type}`;
  return channel.no === undefined ? type : sql`(${type} and ${channelNoOf(rows)} = ${channel.no})`;
}

/** The messages of rows that have one, as their reader sees them. */
export function messagesOf(rows: InboxRow[], readerId: number): InboxMessage[] {
  return rows.filter(({ seq }) => seq !== undefined).map((row) => messageOf(row, readerId));
}

export function messageOf(row: InboxRow, readerId: number): InboxMessage {
  return {
    messageId: row.messageId,
    seq: row.seq ?? 0,
    channelType: row.channelType,
    channelNo: row.channelNo ?? "",
    channelId: row.channelAppId ?? 0,
    fromUid: row.fromUid ?? "",
    fromId: row.fromAppUid ?? 0,
    isOfSuperGroup: row.ofSuperGroup ?? false,
    clientMsgNo: numberShown(row.clientMsgNo, row.messageId),
    payload: row.payload,
    redDot: row.redDot && row.actorId !== readerId,
    syncOnce: row.syncOnce,
    setting: row.setting,
    createdAt: row.createdAt,
    isDeleted: row.isDeleted,
    revokerUid: row.revoked ? row.revokerUid ?? "" : undefined,
  };
}
