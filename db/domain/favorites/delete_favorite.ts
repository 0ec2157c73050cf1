import { and, eq } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { favorites } from "../../schema/chat.ts";
import { DomainError } from "../errors.ts";

/** @throws {DomainError} `favorite_missing` for other people's, too */
export async function deleteFavorite(
  ctx: Ctx,
  { userId, no }: { userId: number; no: string },
): Promise<void> {
  const rows = await ctx.db.delete(favorites)
    .where(and(eq(favorites.id, no), eq(favorites.userId, userId)))
    .returning({ id: favorites.id });
  if (rows.length === 0) throw new DomainError("favorite_missing");
}
