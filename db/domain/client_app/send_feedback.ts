import type { Ctx } from "../../client/ctx.ts";
import { feedbacks } from "../../schema/releases.ts";

export interface FeedbackInput {
  userId: number;
  originType: number;
  originId: string;
  type: number;
  content: string;
  images: string[];
}

export async function sendFeedback(ctx: Ctx, input: FeedbackInput): Promise<void> {
  await ctx.db.insert(feedbacks).values({ ...input, createdAt: ctx.now() });
}
