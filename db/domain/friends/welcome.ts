import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { SYSTEM_UID } from "../../schema/users.ts";
import { type Accepted, acceptMessage } from "../messages/accept.ts";
import { ContentType } from "../messages/rules.ts";
import { placeBuiltInFriends } from "./pair.ts";
import { WELCOME } from "./rules.ts";

/**
 * What whoever is new to the chat app begins with: built-in friends and a first message. Call it in
 * the transaction that makes the account, and `wake` with the answer once that is committed.
 */
export async function welcome(ctx: Ctx, userId: number): Promise<Accepted> {
  const builtIn = await placeBuiltInFriends(ctx, userId);
  return await acceptMessage(ctx, {
    senderId: builtIn.get(SYSTEM_UID)!,
    channel: { type: ChannelType.person, userId },
    clientMsgNo: undefined,
    payload: JSON.stringify({ type: ContentType.text, content: WELCOME }),
    redDot: true,
    // Every newcomer would wait for the lock of one and the same inbox, which nobody reads.
    copyToSender: false,
  });
}
