import { eq } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { users } from "../../schema/users.ts";
import { blockUser } from "../blocks/block_user.ts";
import { unblockUser } from "../blocks/unblock_user.ts";
import { commandChannelUpdate } from "./commands.ts";

interface BlacklistInput {
  userId: number;
  ownUid: string;
  uid: string;
}

/**
 * Blocks a person, for the gateway as well; again changes nothing.
 * @throws {DomainError} `self_refused`, `user_missing`
 */
export async function addToBlacklist(ctx: Ctx, input: BlacklistInput): Promise<void> {
  await blockUser(ctx, input);
  await tellBoth(ctx, input);
}

export async function removeFromBlacklist(ctx: Ctx, input: BlacklistInput): Promise<void> {
  await unblockUser(ctx, input);
  await tellBoth(ctx, input);
}

async function tellBoth(ctx: Ctx, { userId, ownUid, uid }: BlacklistInput): Promise<void> {
  const [peer] = await ctx.db.select({ id: users.id }).from(users).where(eq(users.uid, uid))
    .limit(1);
  if (!peer || peer.id === userId) return;
  await commandChannelUpdate(ctx, { toUserId: userId, uid });
  await commandChannelUpdate(ctx, { toUserId: peer.id, uid: ownUid });
}
