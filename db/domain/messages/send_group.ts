import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { DomainError } from "../errors.ts";
import { ensurePeople } from "../users/ensure_people.ts";
import { acceptMessage } from "./accept.ts";
import { payloadOf } from "./content.ts";
import { wake } from "./send.ts";

export interface SendGroupInput {
  tenantId: number;
  /** The sender's number in the app. */
  senderUid: number;
  groupId: number;
  content: string;
  /** The partner's own number of the message; sent again by the sender it is the same message. */
  clientMsgNo?: string | undefined;
}

/**
 * Says something to a group in somebody's name, who need not be in it; mutes are not asked
 * (contract: POST /messages/groups).
 *
 * @throws {DomainError} `message_invalid`, `group_missing` also for another app's, `group_disbanded`;
 *   `user_missing` as `ensurePeople`
 */
export async function sendGroup(
  ctx: Ctx,
  { tenantId, senderUid, groupId, content, clientMsgNo }: SendGroupInput,
): Promise<void> {
  const [sender] = await ensurePeople(ctx, { tenantId, people: [{ appUid: senderUid }] });
  // Not `sendMessage`: nobody waits for the number a large group's message gets with its sender.
  const accepted = await acceptMessage(ctx, {
    senderId: sender!.userId,
    channel: { type: ChannelType.group, appId: tenantId, groupId },
    clientMsgNo,
    payload: payloadOf(content),
    redDot: true,
    trusted: true,
  }).catch((error) => {
    const isUnknown = error instanceof DomainError && error.kind === "channel_missing";
    throw isUnknown ? new DomainError("group_missing") : error;
  });
  wake(ctx, accepted);
}
