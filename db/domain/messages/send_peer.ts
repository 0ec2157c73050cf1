import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { ensurePeople } from "../users/ensure_people.ts";
import { acceptMessage } from "./accept.ts";
import { payloadOf } from "./content.ts";
import { wake } from "./send.ts";

export interface SendPeerInput {
  tenantId: number;
  /** The people by their numbers in the app. */
  senderUid: number;
  receiverUid: number;
  content: string;
  /** The partner's own number of the message; sent again by the sender it is the same message. */
  clientMsgNo?: string | undefined;
}

/**
 * Says something to one person in another's name. Both have it in their inboxes, the sender's other
 * devices included; nobody's blocks are asked (contract: POST /messages/peers).
 *
 * @throws {DomainError} `message_invalid`; `user_missing` as `ensurePeople`
 */
export async function sendPeer(
  ctx: Ctx,
  { tenantId, senderUid, receiverUid, content, clientMsgNo }: SendPeerInput,
): Promise<void> {
  const people = await ensurePeople(ctx, {
    tenantId,
    people: [{ appUid: senderUid }, { appUid: receiverUid }],
  });
  // Somebody may write to themselves: then they are named once.
  const [sender, receiver = sender] = people;
  const accepted = await acceptMessage(ctx, {
    senderId: sender!.userId,
    channel: { type: ChannelType.person, userId: receiver!.userId },
    clientMsgNo,
    payload: payloadOf(content),
    redDot: true,
    trusted: true,
  });
  wake(ctx, accepted);
}
