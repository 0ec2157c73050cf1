import type { Ctx } from "../../client/ctx.ts";
import { reports } from "../../schema/releases.ts";

export interface ReportInput {
  userId: number;
  originType: number;
  originId: string;
  reasonType: number;
  reason: string;
}

/** Whether its object exists is not asked: it may be gone by the time somebody has written. */
export async function sendReport(ctx: Ctx, input: ReportInput): Promise<void> {
  await ctx.db.insert(reports).values({ ...input, createdAt: ctx.now() });
}
