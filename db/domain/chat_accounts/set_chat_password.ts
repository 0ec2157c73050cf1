import type { Ctx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import { ensureChatAccount, updateChatAccount } from "./account.ts";
import { isPassword } from "./password.ts";

/**
 * @throws {DomainError} `login_wrong` unless `loginPassword` is the person's; `service_unavailable`
 *   when too many passwords are hashed
 */
export async function setChatPassword(
  ctx: Ctx,
  { userId, chatPassword, loginPassword }: {
    userId: number;
    chatPassword: string;
    loginPassword: string;
  },
): Promise<void> {
  const account = await ensureChatAccount(ctx, userId);
  if (!await isPassword(loginPassword, account.password, { userId })) {
    throw new DomainError("login_wrong");
  }
  await updateChatAccount(ctx, userId, { chatPassword });
}
