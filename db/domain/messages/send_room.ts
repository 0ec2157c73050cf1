import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { ensurePeople } from "../users/ensure_people.ts";
import { payloadOf } from "./content.ts";
import { checkPayload } from "./rules.ts";
import { momentIdAt } from "./send_moment.ts";

export interface SendRoomInput {
  tenantId: number;
  /** The sender's number in the app. */
  senderUid: number;
  /** Any number: a chat room is there while somebody is in it. */
  roomId: number;
  content: string;
}

/**
 * Says something in somebody's name to whoever is in one of the app's chat rooms now; nothing is
 * kept (contract: POST /messages/rooms).
 *
 * @throws {DomainError} `message_invalid`; `user_missing` as `ensurePeople`
 */
export async function sendRoom(
  ctx: Ctx,
  { tenantId, senderUid, roomId, content }: SendRoomInput,
): Promise<void> {
  const payload = payloadOf(content);
  checkPayload(payload);
  const [sender] = await ensurePeople(ctx, { tenantId, people: [{ appUid: senderUid }] });
  const at = ctx.now();
  ctx.bus.publish({
    kind: "room",
    appId: tenantId,
    roomId,
    messageId: momentIdAt(at),
    clientMsgNo: randomHex32(),
    atMs: at.getTime(),
    fromUid: sender!.uid,
    fromId: sender!.appUid,
    // A room is no channel of the chat app; its number stands where a group's would.
    channelType: ChannelType.group,
    channelNo: String(roomId),
    channelId: roomId,
    payload,
    redDot: false,
    syncOnce: false,
  });
}
