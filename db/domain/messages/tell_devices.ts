import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import { randomHex32 } from "../../../config/keys.ts";
import { chunksOf } from "../../../config/runtime/chunks.ts";
import type { Moment } from "../../bus/bus.ts";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { SYSTEM_UID } from "../../schema/users.ts";
import { ContentType } from "./rules.ts";
import { momentIdAt } from "./send_moment.ts";

/** A command for clients, by the name they know it. */
export interface Command {
  cmd: string;
  param?: Record<string, unknown>;
}

export interface DeviceCommand extends Command {
  userIds: number[];
  /** The channel it comes in, by the name clients use; and its id. */
  channel: { type: number; no: string; id: number };
  /** Absent: the system. */
  from?: { uid: string; userId: LongInteger };
  /** A socket that knows already. */
  exceptSocket?: string | undefined;
}

/** People one event of the bus names. */
const EVENT_PEOPLE_MAX = 500;

/** Tells the devices that are connected what to do; it is not kept, and nobody asks who may. */
export function tellDevices(
  ctx: Pick<Ctx, "bus" | "now">,
  { userIds, cmd, param = {}, channel, from, exceptSocket }: DeviceCommand,
): void {
  const now = ctx.now();
  const said: Moment = {
    messageId: momentIdAt(now),
    fromUid: from?.uid ?? "",
    fromId: from?.userId ?? 0,
    channelType: channel.type,
    channelNo: channel.no,
    channelId: channel.id,
    clientMsgNo: randomHex32(),
    payload: JSON.stringify({ type: ContentType.command, cmd, param }),
    redDot: false,
    syncOnce: true,
    atMs: now.getTime(),
    ...exceptSocket !== undefined && { exceptSocket },
  };
  for (const chunk of chunksOf(userIds, EVENT_PEOPLE_MAX)) {
    ctx.bus.publish({ kind: "moment", userIds: chunk, ...said });
  }
}

/** A person's own devices, in their chat with themselves. */
export function tellSelf(
  ctx: Ctx,
  { userId, uid }: { userId: number; uid: string },
  command: Command,
): void {
  const channel = { type: ChannelType.person, no: uid, id: userId };
  tellDevices(ctx, { userIds: [userId], channel, from: { uid, userId }, ...command });
}

/** Many people's devices, in their chats with the system. */
export function tellDevicesOf(ctx: Ctx, userIds: number[], command: Command): void {
  const channel = { type: ChannelType.person, no: SYSTEM_UID, id: 0 };
  tellDevices(ctx, { userIds, channel, from: { uid: SYSTEM_UID, userId: 0 }, ...command });
}
