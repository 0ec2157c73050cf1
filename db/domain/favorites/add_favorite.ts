import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { favorites } from "../../schema/chat.ts";
import { checkFavoritePayload } from "./rules.ts";

export interface FavoriteInput {
  userId: number;
  type: number;
  uniqueKey: string;
  authorUid: string;
  authorName: string;
  payload: Record<string, unknown>;
}

/** @throws {DomainError} `params_invalid` for a payload too large; kept again, nothing changes */
export async function addFavorite(ctx: Ctx, input: FavoriteInput): Promise<void> {
  checkFavoritePayload(input.payload);
  await ctx.db.insert(favorites)
    .values({ ...input, id: randomHex32(), createdAt: ctx.now() })
    .onConflictDoNothing({ target: [favorites.userId, favorites.uniqueKey] });
}
