import type { Ctx } from "../db/client/ctx.ts";
import { deleteFinished } from "../db/domain/jobs/delete_finished.ts";
import { deleteStale } from "../db/domain/jobs/delete_stale.ts";
import type { Step } from "../db/domain/jobs/runs.ts";
import type { ChunkInput } from "./run.ts";

const DELETE_COUNT = 5_000;

export async function cleanup(ctx: Ctx, { progress }: Pick<ChunkInput, "progress">): Promise<Step> {
  const total: Record<string, number> = progress === null
    ? { ...await deleteStale(ctx) }
    : { ...progress as Record<string, number> };
  const finished = await deleteFinished(ctx, DELETE_COUNT);
  for (const [table, count] of Object.entries(finished)) {
    total[table] = (total[table] ?? 0) + count;
  }
  const isLast = Object.values(finished).every((count) => count < DELETE_COUNT);
  return { progress: total, report: total, isLast };
}
