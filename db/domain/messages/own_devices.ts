import { type SQL, sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { Ctx } from "../../client/ctx.ts";
import { longJson, type Term } from "../../sql.ts";
import { tellDevices } from "./tell_devices.ts";

/** A channel as one person's clients know it. */
export interface OwnChannel {
  userId: number;
  uid: string;
  /** Their number in their app. */
  appUid: LongInteger;
  channelType: number;
  channelNo: string;
  /** The socket that did it, if one did, and knows. */
  exceptSocket?: string | undefined;
}

/** An {@link OwnChannel} as JSON, of a person's channel as they call it. */
export function ownChannel(
  userId: SQL | Term<number>,
  { type, no }: { type: Term<number>; no: SQL },
): SQL {
  return sql`(select json_build_object('userId', users.id, 'uid', users.uid,
      'appUid', ${longJson(sql`users.app_uid`)}, 'channelType', ${type}::int, 'channelNo', ${no})
    from users where users.id = ${userId})`;
}

/** What one of a person's devices did that the others cannot see otherwise. */
export type OwnDeed =
  | { cmd: "unreadClear"; unread: number }
  | { cmd: "messageDeleted"; message_ids: readonly string[] }
  | { cmd: "channelCleared"; message_seq: number }
  | { cmd: "conversationDeleted" };

/**
 * Tells a person's devices that are there what was done to a channel of theirs; nothing is kept, and
 * a device that did it over HTTP hears it too. After the commit.
 */
export function tellOwnDevices(
  ctx: Pick<Ctx, "bus" | "now">,
  { userId, uid, appUid, channelType, channelNo, exceptSocket }: OwnChannel,
  { cmd, ...more }: OwnDeed,
): void {
  tellDevices(ctx, {
    userIds: [userId],
    cmd,
    param: { channel_id: channelNo, channel_type: channelType, ...more },
    // A partner's client has no use for it, and is not told.
    channel: { type: channelType, no: channelNo, id: 0 },
    from: { uid, userId: appUid },
    exceptSocket,
  });
}
