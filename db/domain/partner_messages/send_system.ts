import type { Ctx } from "../../client.ts";
import { ChannelType } from "../../schema/messages.ts";
import { acceptMessage } from "../messages/accept.ts";
import { wake } from "../messages/send.ts";
import { ensurePeople } from "../partners/people.ts";
import { payloadOf } from "../partners/rules.ts";

/**
 * Tells one person something nobody said; it is kept (contract: POST /messages/systems).
 *
 * @throws {DomainError} `message_invalid`; `user_missing` as `ensurePeople`
 */
export async function sendSystem(
  ctx: Ctx,
  { tenantId, receiverUid, content }: { tenantId: number; receiverUid: number; content: string },
): Promise<void> {
  const [receiver] = await ensurePeople(ctx, { tenantId, people: [{ appUid: receiverUid }] });
  const accepted = await acceptMessage(ctx, {
    senderId: undefined,
    channel: { type: ChannelType.person, userId: receiver!.userId },
    clientMsgNo: undefined,
    payload: payloadOf(content),
    redDot: true,
    trusted: true,
  });
  wake(ctx, accepted);
}
