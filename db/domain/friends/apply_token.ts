import { seal, unseal } from "../../../config/runtime/sealed.ts";
import type { Ctx } from "../../client/ctx.ts";

const boundTo = (tokenHash: string) => `friend_applies.token:${tokenHash}`;

/** The token of a friend request as it is kept for its receiver's list. */
export function sealApplyToken(
  { config }: Pick<Ctx, "config">,
  { token, tokenHash }: { token: string; tokenHash: string },
): string {
  return seal(config.keys, token, boundTo(tokenHash));
}

/** Empty where there is none to open: of old requests, or sealed under a key that is gone. */
export function openApplyToken(
  { config }: Pick<Ctx, "config">,
  { tokenSealed, tokenHash }: { tokenSealed: string | undefined; tokenHash: string },
): string {
  if (tokenSealed === undefined) return "";
  try {
    return unseal(config.keys, tokenSealed, boundTo(tokenHash));
  } catch {
    return "";
  }
}
