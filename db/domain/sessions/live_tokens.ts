import { and, gt, inArray, isNull } from "drizzle-orm";
import { chunksOf } from "../../../config/runtime/chunks.ts";
import type { Ctx } from "../../client/ctx.ts";
import { sessions } from "../../schema/sessions.ts";

const TOKENS_COUNT_MAX = 5_000;

export async function readLiveTokens(ctx: Ctx, tokenHashes: string[]): Promise<Set<string>> {
  const live = new Set<string>();
  for (const asked of chunksOf(tokenHashes, TOKENS_COUNT_MAX)) {
    const rows = await ctx.db.select({ tokenHash: sessions.tokenHash }).from(sessions)
      .where(and(
        inArray(sessions.tokenHash, asked),
        isNull(sessions.revokedAt),
        gt(sessions.expiresAt, ctx.now()),
      ));
    for (const { tokenHash } of rows) live.add(tokenHash);
  }
  return live;
}
