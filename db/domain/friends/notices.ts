import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { DomainError } from "../errors.ts";
import { ContentType } from "../messages/rules.ts";
import { sendMessage } from "../messages/send.ts";

export interface FriendNotice {
  senderId: number;
  receiverId: number;
  payload: { type: number; [key: string]: unknown };
  /** Counts as unread. */
  redDot: boolean;
  /** As `AcceptInput.pushes`. */
  pushes?: boolean;
  /** False: only the receiver is told. */
  copyToSender?: boolean;
  /** False: the sender, who did not say it themselves, has not read the chat. */
  ownReads?: boolean;
}

/** A command for the clients: what to do, not what to show. */
export function command(cmd: string, param: Record<string, string | number>) {
  return { type: ContentType.command, cmd, param };
}

/**
 * Sends a message that tells of a change already made. A receiver who has blocked the sender gets
 * nothing, and the sender does not learn of it; the next sync shows the change to both.
 */
export async function sendNotice(
  ctx: Ctx,
  { receiverId, payload, ...notice }: FriendNotice,
): Promise<void> {
  try {
    await sendMessage(ctx, {
      ...notice,
      channel: { type: ChannelType.person, userId: receiverId },
      clientMsgNo: undefined,
      payload: JSON.stringify(payload),
    });
  } catch (error) {
    if (!(error instanceof DomainError && error.kind === "message_blacklisted")) throw error;
  }
}
