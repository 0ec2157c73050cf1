import { and, eq } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { labels } from "../../schema/chat.ts";
import { DomainError } from "../errors.ts";

/** @throws {DomainError} `label_missing` */
export async function deleteLabel(
  ctx: Ctx,
  { userId, labelId }: { userId: number; labelId: number },
): Promise<void> {
  const rows = await ctx.db.delete(labels)
    .where(and(eq(labels.id, labelId), eq(labels.userId, userId)))
    .returning({ id: labels.id });
  if (rows.length === 0) throw new DomainError("label_missing");
}
