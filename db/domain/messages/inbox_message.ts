import { type SQL, sql } from "drizzle-orm";
import { ChannelType } from "../../schema/messages.ts";

export { ChannelType };

/** A message as it lies in one person's inbox. */
export interface InboxMessage {
  messageId: number;
  seq: number;
  channelType: number;
  /** uid of the other person, or the group's number; what clients call the channel. */
  channelNo: string;
  /** What partners call the channel: the other person's number in their app, or the group's id. */
  channelId: number;
  /** Empty: the system. */
  fromUid: string;
  /** The sender's number in their app; 0: the system. */
  fromId: number;
  /** Comes from the log of a super group, which partners' clients read by itself. */
  isOfSuperGroup: boolean;
  clientMsgNo: string;
  payload: string;
  redDot: boolean;
  syncOnce: boolean;
  createdAt: Date;
  /** The owner threw it away. */
  isDeleted: boolean;
  /** Taken back, and by whom. */
  revokerUid: string | undefined;
}

export interface InboxRow extends Record<string, unknown> {
  message_id: string;
  seq: string;
  channel_type: number;
  channel_no: string | null;
  channel_app_id: string | null;
  from_uid: string | null;
  from_app_uid: string | null;
  of_super_group: boolean | null;
  client_msg_no: string | null;
  payload: string;
  red_dot: boolean;
  sync_once: boolean;
  created_ms: string;
  is_deleted: boolean;
  revoked: boolean;
  revoker_uid: string | null;
}

/**
 * Columns of an {@link InboxMessage}, for a query in which `messages` is joined to rows with `seq`,
 * `message_id`, `channel_type` and `channel_id`; whether it is deleted the query itself says.
 */
export function inboxMessageColumns(rows: "found" | "listed"): SQL {
  const its = (column: string) => sql.raw(`${rows}.${column}`);
  return sql`${its("seq")}::text as seq, ${its("message_id")}::text as message_id,
      ${its("channel_type")} as channel_type,
      case when ${its("channel_type")} = ${ChannelType.person}
        then (select uid from users where id = ${its("channel_id")})
        else (select group_no from groups where id = ${its("channel_id")}) end as channel_no,
      case when ${its("channel_type")} = ${ChannelType.person}
        then (select app_uid from users where id = ${its("channel_id")})
        else ${its("channel_id")} end::text as channel_app_id,
      (select uid from users where id = messages.sender_id) as from_uid,
      (select app_uid from users where id = messages.sender_id)::text as from_app_uid,
      messages.is_logged and (select is_super from groups where id = messages.group_id)
        as of_super_group,
      messages.client_msg_no, messages.payload, messages.red_dot, messages.sync_once,
      (extract(epoch from messages.created_at) * 1000)::bigint::text as created_ms,
      messages.revoked_at is not null as revoked,
      (select uid from users where id = messages.revoker_id) as revoker_uid`;
}

export function messageOf(row: InboxRow): InboxMessage {
  return {
    messageId: Number(row.message_id),
    seq: Number(row.seq),
    channelType: Number(row.channel_type),
    channelNo: row.channel_no ?? "",
    channelId: Number(row.channel_app_id ?? 0),
    fromUid: row.from_uid ?? "",
    fromId: Number(row.from_app_uid ?? 0),
    isOfSuperGroup: row.of_super_group ?? false,
    clientMsgNo: row.client_msg_no ?? "",
    payload: row.payload,
    redDot: row.red_dot,
    syncOnce: row.sync_once,
    createdAt: new Date(Number(row.created_ms)),
    isDeleted: row.is_deleted,
    revokerUid: row.revoked ? row.revoker_uid ?? "" : undefined,
  };
}
