import type { Ctx } from "../../client/ctx.ts";
import { type Accepted, type AcceptInput, acceptMessage } from "./accept.ts";
import { tellOwnDevices } from "./own_devices.ts";
import { tellDevicesOf } from "./tell_devices.ts";
import { readInbox } from "./read_inbox.ts";

/**
 * Takes a message in and wakes whoever receives it. Not for use inside a transaction: the others
 * would look before it is committed (call {@link acceptMessage} there and {@link wake} afterwards).
 */
export async function sendMessage(ctx: Ctx, input: AcceptInput): Promise<Accepted> {
  const accepted = await acceptMessage(ctx, input);
  wake(ctx, accepted);
  if (accepted.loggedInGroup === undefined || input.senderId === undefined) return accepted;
  return { ...accepted, senderSeq: await senderSeqOf(ctx, input.senderId, accepted.messageId) };
}

/**
 * Tells every process whose inbox or which log has grown, who is reminded of it, and the sender's
 * devices what they have read by speaking; after the commit.
 */
export function wake(
  ctx: Ctx,
  { deliveries, loggedInGroup, remindedIds = [], reads = [] }:
    & Pick<Accepted, "deliveries" | "loggedInGroup">
    & Partial<Accepted>,
): void {
  if (deliveries.length > 0) ctx.bus.publish({ kind: "inbox", heads: deliveries });
  if (loggedInGroup !== undefined) ctx.bus.publish({ kind: "group", groupId: loggedInGroup });
  tellDevicesOf(ctx, remindedIds, { cmd: "syncReminders" });
  for (const channel of reads) tellOwnDevices(ctx, channel, { cmd: "unreadClear", unread: 0 });
}

/** A large group's message gets the sender's number when the sender's inbox copies it. */
export async function senderSeqOf(ctx: Ctx, userId: number, messageId: number): Promise<number> {
  const found = await readInbox(ctx, { userId, afterSeq: 0, limit: 1, messageId });
  return found[0]?.seq ?? 0;
}
