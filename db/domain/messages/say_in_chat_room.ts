import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { ensurePeople } from "../users/ensure_people.ts";
import { payloadOf, payloadSaid } from "./content.ts";
import { checkPayload, roomFor } from "./rules.ts";
import { momentIdAt } from "./send_moment.ts";

export interface SayInChatRoomInput {
  appId: number;
  /** Who says it, and where. */
  from: { uid: string; appUid: LongInteger; socketId: string };
  /** Any number: a chat room is there while somebody is in it. */
  chatRoomId: LongInteger;
  content: string;
}

/**
 * Says something to everybody else who is in a chat room of the app now; nothing is kept.
 *
 * @throws {DomainError} `message_invalid`
 */
export function sayInChatRoom(
  ctx: Ctx,
  { appId, from, chatRoomId, content }: SayInChatRoomInput,
): void {
  const payload = payloadSaid(content);
  checkPayload(payload, { bytesMax: roomFor(content, { tenantId: appId }) });
  publish(ctx, { appId, from, chatRoomId, payload, exceptSocket: from.socketId });
}

export interface SayInChatRoomForInput {
  tenantId: number;
  /** The sender's number in the app. */
  senderUid: LongInteger;
  chatRoomId: LongInteger;
  content: string;
}

/**
 * Says something in somebody's name to whoever is in one of the app's chat rooms now; nothing is
 * kept (contract: POST /messages/rooms).
 *
 * @throws {DomainError} `message_invalid`; `user_missing` as `ensurePeople`
 */
export async function sayInChatRoomFor(
  ctx: Ctx,
  { tenantId, senderUid, chatRoomId, content }: SayInChatRoomForInput,
): Promise<void> {
  const payload = payloadOf(content);
  checkPayload(payload, { bytesMax: roomFor(content, { tenantId }) });
  const [sender] = await ensurePeople(ctx, { tenantId, people: [{ appUid: senderUid }] });
  publish(ctx, { appId: tenantId, from: sender!, chatRoomId, payload });
}

function publish(
  ctx: Ctx,
  { from, chatRoomId, ...said }: {
    appId: number;
    from: { uid: string; appUid: LongInteger };
    chatRoomId: LongInteger;
    payload: string;
    exceptSocket?: string;
  },
): void {
  const at = ctx.now();
  ctx.bus.publish({
    ...said,
    kind: "chat_room",
    chatRoomId,
    messageId: momentIdAt(at),
    clientMsgNo: randomHex32(),
    atMs: at.getTime(),
    fromUid: from.uid,
    fromId: from.appUid,
    // A chat room is no channel of the chat app; its number stands where a group's would.
    channelType: ChannelType.group,
    channelNo: String(chatRoomId),
    channelId: chatRoomId,
    redDot: false,
    syncOnce: false,
  });
}
