import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { ensurePeople } from "../users/ensure_people.ts";
import { acceptMessage } from "./accept.ts";
import type { Channel } from "./channel.ts";
import { payloadOf } from "./content.ts";
import { roomFor } from "./rules.ts";
import { wake } from "./send.ts";
import { sendMoment } from "./send_moment.ts";

interface Telling {
  tenantId: number;
  /** The receiver's number in the app. */
  receiverUid: LongInteger;
  content: string;
}

/**
 * Tells one person something if they are connected, and nobody later: nothing is kept (contract:
 * POST /messages/notifications).
 *
 * @throws {DomainError} `message_invalid`; `user_missing` as `ensurePeople`
 */
export async function tellPerson(ctx: Ctx, telling: Telling): Promise<void> {
  await sendMoment(ctx, {
    channel: await channelTo(ctx, telling),
    clientMsgNo: randomHex32(),
    payload: payloadOf(telling.content),
    payloadBytesMax: roomFor(telling.content, telling),
    redDot: false,
    syncOnce: false,
    trusted: true,
  });
}

/**
 * Tells one person something nobody said; it is kept (contract: POST /messages/systems).
 *
 * @throws {DomainError} `message_invalid`; `user_missing` as `ensurePeople`
 */
export async function tellPersonKept(ctx: Ctx, telling: Telling): Promise<void> {
  const accepted = await acceptMessage(ctx, {
    senderId: undefined,
    channel: await channelTo(ctx, telling),
    clientMsgNo: undefined,
    payload: payloadOf(telling.content),
    payloadBytesMax: roomFor(telling.content, telling),
    redDot: true,
    trusted: true,
  });
  wake(ctx, accepted);
}

async function channelTo(ctx: Ctx, { tenantId, receiverUid }: Telling): Promise<Channel> {
  const [receiver] = await ensurePeople(ctx, { tenantId, people: [{ appUid: receiverUid }] });
  return { type: ChannelType.person, userId: receiver!.userId };
}
