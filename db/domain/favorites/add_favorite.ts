import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { favorites } from "../../schema/chat.ts";
import { checkFavoritePayload } from "./rules.ts";

export interface FavoriteInput {
  userId: number;
  /** The message's content type. */
  type: number;
  /** The message's own key. */
  uniqueKey: string;
  authorUid: string;
  authorName: string;
  payload: Record<string, unknown>;
}

/**
 * Keeps a message for later. Kept again, nothing changes.
 *
 * @throws {DomainError} `params_invalid` for a payload too large
 */
export async function addFavorite(ctx: Ctx, input: FavoriteInput): Promise<void> {
  checkFavoritePayload(input.payload);
  await ctx.db.insert(favorites)
    .values({ ...input, id: randomHex32(), createdAt: ctx.now() })
    .onConflictDoNothing({ target: [favorites.userId, favorites.uniqueKey] });
}
