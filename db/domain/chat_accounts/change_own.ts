import { eq } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { brokenConstraintOf } from "../../client/errors.ts";
import { chatAccounts } from "../../schema/chat.ts";
import { users } from "../../schema/users.ts";
import { DomainError } from "../errors.ts";
import { ensureChatAccount } from "./account.ts";
import { announceChange, announceOwnChange } from "./commands.ts";
import { checkShortNo } from "./rules.ts";

export interface OwnChanges {
  name?: string | undefined;
  sex?: number | undefined;
  /** Once only. */
  shortNo?: string | undefined;
  searchByPhone?: boolean | undefined;
  searchByShort?: boolean | undefined;
  newMsgNotice?: boolean | undefined;
  msgShowDetail?: boolean | undefined;
  voiceOn?: boolean | undefined;
  shockOn?: boolean | undefined;
  offlineProtection?: boolean | undefined;
  deviceLock?: boolean | undefined;
  muteOfApp?: boolean | undefined;
  msgExpireSecond?: number | undefined;
}

/**
 * Changes all of it or nothing, and tells one's other devices, and of a new name the friends too.
 * @throws {DomainError} `short_no_invalid`, `short_no_changed`, `short_no_taken`, `account_missing`
 */
export async function changeOwn(
  ctx: Ctx,
  { userId, uid, changes }: { userId: number; uid: string; changes: OwnChanges },
): Promise<void> {
  const { name, ...rest } = changes;
  const given = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => value !== undefined),
  );
  if (changes.shortNo !== undefined) checkShortNo(changes.shortNo);
  const changesAccount = Object.keys(given).length > 0;
  if (changesAccount) await ensureChatAccount(ctx, userId);
  try {
    await withTx(ctx, async (tx) => {
      if (name !== undefined) {
        await tx.db.update(users).set({ nickname: name, updatedAt: ctx.now() })
          .where(eq(users.id, userId));
      }
      if (changesAccount) await changeAccount(tx, userId, given);
    });
  } catch (error) {
    if (brokenConstraintOf(error) !== "chat_accounts_shortNo_unique") throw error;
    throw new DomainError("short_no_taken");
  }
  if (name !== undefined) await announceChange(ctx, { userId, uid });
  else announceOwnChange(ctx, { userId, uid });
}

async function changeAccount(ctx: Ctx, userId: number, given: Partial<OwnChanges>): Promise<void> {
  if (given.shortNo === undefined) {
    await ctx.db.update(chatAccounts).set(given as Partial<typeof chatAccounts.$inferInsert>)
      .where(eq(chatAccounts.userId, userId));
    return;
  }
  // Locked, so that of two changes of the number at once the later one sees the earlier one.
  const [account] = await ctx.db.select({ shortNoChanged: chatAccounts.shortNoChanged })
    .from(chatAccounts).where(eq(chatAccounts.userId, userId)).for("update");
  if (account!.shortNoChanged) throw new DomainError("short_no_changed");
  await ctx.db.update(chatAccounts)
    .set({ ...given as Partial<typeof chatAccounts.$inferInsert>, shortNoChanged: true })
    .where(eq(chatAccounts.userId, userId));
}
