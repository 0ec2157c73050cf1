import { z } from "zod";
import { parseBoundedJson } from "../../config/runtime/bounded_json.ts";
import type { ExtendedMessage } from "../../db/domain/messages/extra_column.ts";
import type { SyncedMessageExtra } from "../../db/domain/messages/message_extras.ts";
import { Flag, flag } from "../fields.ts";

export const MessageExtraResp = z.object({
  message_id: z.number().int(),
  message_id_str: z.string(),
  message_seq: z.number().int(),
  revoke: Flag,
  revoker: z.string(),
  readed: Flag.describe("1: you have said that you have read it"),
  readed_at: z.number().int().describe("Seconds; 0: not read"),
  readed_count: z.number().int().describe("Of your own: how many have read it"),
  unread_count: z.number().int(),
  extra_version: z.number().int(),
  edited_at: z.number().int(),
});

/** A message as the chat app's web client reads it: its payload an object. */
export const WebMessage = z.object({
  header: z.object({ no_persist: Flag, red_dot: Flag, sync_once: Flag }),
  setting: z.number().int(),
  message_id: z.number().int(),
  message_idstr: z.string(),
  message_seq: z.number().int().describe("The caller's own number, as on the socket"),
  client_msg_no: z.string(),
  from_uid: z.string().describe("Empty: the system"),
  channel_id: z.string().describe("Of a chat of two the other one's uid"),
  channel_type: z.number().int(),
  timestamp: z.number().int().describe("Seconds"),
  payload: z.record(z.string(), z.unknown()),
  is_deleted: Flag,
  revoke: Flag,
  revoker: z.string(),
  message_extra: MessageExtraResp,
});

export function webMessage(message: ExtendedMessage): z.input<typeof WebMessage> {
  const { messageId, seq, revokerUid } = message;
  return {
    header: { no_persist: 0, red_dot: flag(message.redDot), sync_once: flag(message.syncOnce) },
    setting: message.setting,
    message_id: messageId,
    message_idstr: String(messageId),
    message_seq: seq,
    client_msg_no: message.clientMsgNo,
    from_uid: message.fromUid,
    channel_id: message.channelNo,
    channel_type: message.channelType,
    timestamp: Math.floor(message.createdAt.getTime() / 1000),
    payload: parseBoundedJson(message.payload) as Record<string, unknown>,
    is_deleted: flag(message.isDeleted),
    revoke: flag(revokerUid !== undefined),
    revoker: revokerUid ?? "",
    message_extra: messageExtraResp({ messageId, seq, revokerUid, ...message.extra }),
  };
}

/** What has become of a message since it was said. */
export function messageExtraResp(extra: SyncedMessageExtra): z.input<typeof MessageExtraResp> {
  const { messageId, revokerUid, readAtMs } = extra;
  return {
    message_id: messageId,
    message_id_str: String(messageId),
    message_seq: extra.seq,
    revoke: flag(revokerUid !== undefined),
    revoker: revokerUid ?? "",
    readed: flag(readAtMs > 0),
    readed_at: Math.floor(readAtMs / 1000),
    readed_count: extra.readCount,
    unread_count: extra.unreadCount,
    extra_version: extra.version,
    edited_at: 0,
  };
}
