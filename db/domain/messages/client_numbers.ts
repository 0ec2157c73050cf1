import { sql } from "drizzle-orm";
import { createHash } from "node:crypto";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { instant, int8, rows } from "../../sql.ts";
import { type Channel, channelValuesOf, namingOf, targetOf } from "./channel.ts";
import { REPEAT_MS } from "./sync_rules.ts";

const PREFIX = "gb";
const HASH_LENGTH = 16;

export interface NumberInput {
  senderId: number;
  /** {@link deviceMark} of the sender's device. */
  mark: string;
  channel: Channel;
  /** The client's own number of the message; 0: none, so that nothing is a repeat of it. */
  localId: number;
  content: string;
}

/** What stands for a device in messages' numbers: others see those, and learn nothing from it. */
export function deviceMark({ userId, deviceId }: { userId: number; deviceId: string }): string {
  return shortHash(`${userId} ${deviceId}`);
}

/**
 * The `client_msg_no` of a message whose client has numbers that begin anew whenever the app does.
 * It is a repeat only when device, channel, number and words are the same within
 * {@link REPEAT_MS}: the time is part of the number, in steps as long as that, and a message that
 * might repeat one of the step before is looked for there.
 */
export async function clientMsgNoOf(ctx: Ctx, input: NumberInput): Promise<string> {
  const { senderId, mark, channel, localId, content } = input;
  if (localId === 0) return [PREFIX, mark, localId, randomHex32()].join(":");
  const nowMs = ctx.now().getTime();
  const step = Math.floor(nowMs / REPEAT_MS);
  const hash = shortHash(content);
  const [own, earlier] = [step, step - 1].map((step) =>
    [PREFIX, mark, localId, step, hash].join(":")
  );
  const target = targetOf(namingOf(channel), channelValuesOf(channel));
  const said = await rows(
    ctx,
    sql`
      select id from messages where sender_id = ${senderId} and client_msg_no = ${earlier}
        and ${channel.type === ChannelType.person ? sql`receiver_id` : sql`group_id`} =
          (select id from (${target}) as target) and created_at > ${
      instant(new Date(nowMs - REPEAT_MS))
    }`,
    { id: int8 },
  );
  return said.length > 0 ? earlier! : own!;
}

/** The number a device itself gave a message; undefined for another device's, and for no device's. */
export function localIdOf(
  clientMsgNo: string,
  { mark }: { mark: string },
): number | undefined {
  const [prefix, device, localId] = clientMsgNo.split(":");
  return prefix === PREFIX && device === mark ? Number(localId) : undefined;
}

/**
 * What clients are told as a message's own number. They know messages apart by it, also on their
 * screens, so what nobody numbered is called by its id.
 */
export function numberShown(clientMsgNo: string | undefined, messageId: number): string {
  return clientMsgNo ?? `m${messageId}`;
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, HASH_LENGTH);
}
