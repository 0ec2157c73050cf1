import { desc, eq } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { opsKeys } from "../../schema/operators.ts";
import { DomainError } from "../errors.ts";
import { countedPage } from "../paging/counted_page.ts";
import { KEYS_START_MAX } from "./rules.ts";

export interface ListedKey {
  id: string;
  name: string;
  /** Groups it may speak for; null: all of them. */
  groupIds: number[] | null;
  createdAt: Date;
  /** To the minute; null: never. */
  lastUsedAt: Date | null;
  disabledAt: Date | null;
}

export const keyColumns = {
  id: opsKeys.id,
  name: opsKeys.name,
  groupIds: opsKeys.groupIds,
  createdAt: opsKeys.createdAt,
  lastUsedAt: opsKeys.lastUsedAt,
  disabledAt: opsKeys.disabledAt,
};

/** @throws {DomainError} `ops_key_missing`; a disabled key is there */
export async function readOpsKey(ctx: Ctx, keyId: string): Promise<ListedKey> {
  const [key] = await ctx.db.select(keyColumns).from(opsKeys).where(eq(opsKeys.id, keyId)).limit(1);
  if (!key) throw new DomainError("ops_key_missing");
  return key;
}

export function listOpsKeys(
  ctx: Ctx,
  { start, limit }: { start: number; limit: number },
): Promise<{ total: number; items: ListedKey[] }> {
  return countedPage(ctx, {
    of: opsKeys,
    where: undefined,
    countMax: KEYS_START_MAX,
    page: ctx.db.select(keyColumns).from(opsKeys).orderBy(desc(opsKeys.createdAt), desc(opsKeys.id))
      .limit(limit).offset(start),
    by: ["createdAt", "id"],
  });
}
