import { and, eq } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { peerSettings } from "../../schema/chat.ts";
import { users } from "../../schema/users.ts";
import { DomainError } from "../errors.ts";
import { chatVisible } from "../users/who_is_there.ts";
import { commandChannelUpdate } from "./commands.ts";

export interface PeerSetting {
  mute?: boolean | undefined;
  top?: boolean | undefined;
  chatPwdOn?: boolean | undefined;
  screenshot?: boolean | undefined;
  revokeRemind?: boolean | undefined;
  receipt?: boolean | undefined;
  remark?: string | undefined;
}

/**
 * Tells one's own devices, too.
 * @returns mute and top as they are now
 * @throws {DomainError} `user_missing`
 */
export async function setForPeer(
  ctx: Ctx,
  { userId, uid, setting }: { userId: number; uid: string; setting: PeerSetting },
): Promise<{ mute: boolean; top: boolean }> {
  const [peer] = await ctx.db.select({ id: users.id }).from(users)
    .where(and(eq(users.uid, uid), chatVisible)).limit(1);
  if (!peer) throw new DomainError("user_missing");
  const [row] = await ctx.db.insert(peerSettings).values({ userId, peerId: peer.id, ...setting })
    .onConflictDoUpdate({
      target: [peerSettings.userId, peerSettings.peerId],
      // Setting nothing still has to answer what there is.
      set: { peerId: peer.id, ...setting },
    })
    .returning({ mute: peerSettings.mute, top: peerSettings.top });
  await commandChannelUpdate(ctx, { toUserId: userId, uid });
  return row!;
}
