import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { payloadOf } from "./content.ts";
import { checkPayload } from "./rules.ts";
import { momentIdAt } from "./send_moment.ts";

export interface SayInRoomInput {
  appId: number;
  /** Who says it, and where. */
  from: { uid: string; appUid: number; socketId: string };
  roomId: number;
  content: string;
}

/**
 * Says something to everybody else who is in a chat room of the app now; nothing is kept.
 *
 * @throws {DomainError} `message_invalid`
 */
export function sayInRoom(ctx: Ctx, { appId, from, roomId, content }: SayInRoomInput): void {
  const payload = payloadOf(content);
  checkPayload(payload);
  const at = ctx.now();
  ctx.bus.publish({
    kind: "room",
    appId,
    roomId,
    messageId: momentIdAt(at),
    clientMsgNo: randomHex32(),
    atMs: at.getTime(),
    fromUid: from.uid,
    fromId: from.appUid,
    exceptSocket: from.socketId,
    // A room is no channel of the chat app; its number stands where a group's would.
    channelType: ChannelType.group,
    channelNo: String(roomId),
    channelId: roomId,
    payload,
    redDot: false,
    syncOnce: false,
  });
}
