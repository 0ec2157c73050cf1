import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { ensurePeople } from "../users/ensure_people.ts";
import { acceptMessage } from "./accept.ts";
import { payloadOf } from "./content.ts";
import { wake } from "./send.ts";

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
