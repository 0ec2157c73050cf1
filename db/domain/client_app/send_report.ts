import type { Ctx } from "../../client/ctx.ts";
import { reports } from "../../schema/releases.ts";

export interface ReportInput {
  userId: number;
  originType: number;
  originId: string;
  reasonType: number;
  reason: string;
}

/**
 * Keeps a complaint about a person or a room. Whether they exist is not asked: a room may be gone
 * by the time somebody has written down what was wrong with it.
 */
export async function sendReport(ctx: Ctx, input: ReportInput): Promise<void> {
  await ctx.db.insert(reports).values({ ...input, createdAt: ctx.now() });
}
