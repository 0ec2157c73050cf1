import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { DomainError } from "../errors.ts";
import { ensurePeople } from "../users/ensure_people.ts";
import { acceptMessage } from "./accept.ts";
import type { Channel } from "./channel.ts";
import { payloadOf } from "./content.ts";
import { wake } from "./send.ts";

interface Saying {
  tenantId: number;
  /** The sender's number in the app. */
  senderUid: number;
  content: string;
  /** The partner's own number of the message; sent again into the channel it is the same message. */
  clientMsgNo?: string | undefined;
}

/**
 * Says something to one person in another's name. Both have it in their inboxes, the sender's other
 * devices included; nobody's blocks are asked (contract: POST /messages/peers).
 *
 * @throws {DomainError} `message_invalid`; `user_missing` as `ensurePeople`
 */
export async function sayToPersonFor(
  ctx: Ctx,
  { receiverUid, ...saying }: Saying & { receiverUid: number },
): Promise<void> {
  const { tenantId, senderUid } = saying;
  const people = await ensurePeople(ctx, {
    tenantId,
    people: [{ appUid: senderUid }, { appUid: receiverUid }],
  });
  // Somebody may write to themselves: then they are named once.
  const [sender, receiver = sender] = people;
  const channel = { type: ChannelType.person, userId: receiver!.userId } as const;
  await say(ctx, saying, { senderId: sender!.userId, channel });
}

/**
 * Says something to a group in somebody's name, who need not be in it; mutes are not asked
 * (contract: POST /messages/groups).
 *
 * @throws {DomainError} `message_invalid`, `group_missing` also for another app's, `group_disbanded`;
 *   `user_missing` as `ensurePeople`
 */
export async function sayToGroupFor(
  ctx: Ctx,
  { groupId, ...saying }: Saying & { groupId: number },
): Promise<void> {
  const { tenantId, senderUid } = saying;
  const [sender] = await ensurePeople(ctx, { tenantId, people: [{ appUid: senderUid }] });
  const channel = { type: ChannelType.group, appId: tenantId, groupId } as const;
  await say(ctx, saying, { senderId: sender!.userId, channel }).catch((error) => {
    const isUnknown = error instanceof DomainError && error.kind === "channel_missing";
    throw isUnknown ? new DomainError("group_missing") : error;
  });
}

/** Not as `sendMessage`: nobody waits for the number a large group's message gets with its sender. */
async function say(
  ctx: Ctx,
  { content, clientMsgNo }: Saying,
  place: { senderId: number; channel: Channel },
): Promise<void> {
  const payload = payloadOf(content);
  const said = { ...place, clientMsgNo, payload, redDot: true, trusted: true };
  wake(ctx, await acceptMessage(ctx, said));
}
