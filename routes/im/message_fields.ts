import { Buffer } from "node:buffer";
import { z } from "zod";
import { ChannelType, type InboxMessage } from "../../db/domain/messages/inbox_message.ts";
import { Flag, flag } from "../fields.ts";

/** `channel_id` and `channel_type` as clients name a channel: 1 a person's uid, 2 a group's number. */
export const ChannelTypeField = z.coerce.number().pipe(
  z.literal([ChannelType.person, ChannelType.group]),
);

/** MsgSyncResp, with what the public server adds. */
export const SyncedMessage = z.object({
  message_id: z.number().int(),
  message_idstr: z.string(),
  message_seq: z.number().int().describe("Dense and rising over everything one person receives"),
  client_msg_no: z.string(),
  from_uid: z.string().describe("Empty: the system"),
  to_uid: z.string().describe("Empty in a group"),
  channel_id: z.string(),
  channel_type: z.number().int(),
  timestamp: z.number().int().describe("Seconds"),
  payload: z.string().describe("Base64 of the JSON text"),
  header: z.object({ no_persist: Flag, red_dot: Flag, sync_once: Flag }),
  setting: z.number().int().describe("128: the sender asks for receipts"),
  is_deleted: Flag,
  revoke: Flag,
  revoker: z.string(),
});

/** A message as its owner is shown it. */
export function syncedMessage(
  message: InboxMessage,
  ownUid: string,
): z.input<typeof SyncedMessage> {
  const isPerson = message.channelType === ChannelType.person;
  return {
    message_id: message.messageId,
    message_idstr: String(message.messageId),
    message_seq: message.seq,
    client_msg_no: message.clientMsgNo,
    from_uid: message.fromUid,
    to_uid: !isPerson ? "" : message.fromUid === ownUid ? message.channelNo : ownUid,
    channel_id: message.channelNo,
    channel_type: message.channelType,
    timestamp: Math.floor(message.createdAt.getTime() / 1000),
    payload: Buffer.from(message.payload).toString("base64"),
    header: {
      no_persist: 0,
      red_dot: flag(message.redDot),
      sync_once: flag(message.syncOnce),
    },
    setting: message.setting,
    is_deleted: flag(message.isDeleted),
    revoke: flag(message.revokerUid !== undefined),
    revoker: message.revokerUid ?? "",
  };
}
