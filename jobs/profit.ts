import type { Ctx } from "../db/client/ctx.ts";
import type { Step } from "../db/domain/jobs/runs.ts";
import { awaitPayments } from "../db/domain/payouts/close_month.ts";
import { makeRecords, type RecordCursor } from "../db/domain/payouts/make_records.ts";
import type { ChunkInput } from "./run.ts";

const RECORD_COUNT = 1_000;

interface Progress {
  after?: RecordCursor | undefined;
  made: number;
}

type ProfitInput = Pick<ChunkInput, "period" | "progress">;

export async function profit(ctx: Ctx, input: ProfitInput): Promise<Step> {
  return await profitBy(RECORD_COUNT, ctx, input);
}

export async function profitBy(
  recordCount: number,
  ctx: Ctx,
  { period, progress }: ProfitInput,
): Promise<Step> {
  if (progress === null) {
    await awaitPayments(ctx);
    const begun: Progress = { made: 0 };
    return { progress: begun, report: begun, isLast: false };
  }
  const { after, made } = progress as Progress;
  const { cursor, madeCount } = await makeRecords(ctx, { period, after, limit: recordCount });
  const next: Progress = { after: cursor, made: made + madeCount };
  return { progress: next, report: { made: next.made }, isLast: cursor === undefined };
}
