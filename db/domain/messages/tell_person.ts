import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { ensurePeople } from "../users/ensure_people.ts";
import { payloadOf } from "./content.ts";
import { sendMoment } from "./send_moment.ts";

/**
 * Tells one person something if they are connected, and nobody later: nothing is kept (contract:
 * POST /messages/notifications).
 *
 * @throws {DomainError} `message_invalid`; `user_missing` as `ensurePeople`
 */
export async function notifyPerson(
  ctx: Ctx,
  { tenantId, receiverUid, content }: { tenantId: number; receiverUid: number; content: string },
): Promise<void> {
  const [receiver] = await ensurePeople(ctx, { tenantId, people: [{ appUid: receiverUid }] });
  await sendMoment(ctx, {
    channel: { type: ChannelType.person, userId: receiver!.userId },
    clientMsgNo: randomHex32(),
    payload: payloadOf(content),
    redDot: false,
    syncOnce: false,
    trusted: true,
  });
}
