import { z } from "zod";
import { readBroadcast } from "../../db/domain/broadcasts/reads.ts";
import { endpoint } from "./surface.ts";

export const read = endpoint({
  method: "get",
  path: "/v1/broadcasts/{id}",
  summary: "See how far a broadcast has got",
  needs: "broadcasts.read",
  params: z.object({ id: z.string().regex(/^\d{1,15}$/).transform(Number) }),
  data: z.object({
    id: z.string(),
    state: z.enum(["queued", "sending", "done"]),
    total: z.number().int().describe("Until it has reached everybody, those it would be for now"),
    sent: z.number().int().describe("Those who have it; with a bot, over Mixin too"),
    failed: z.number().int().describe("Those Mixin does not take it for: dead letters"),
  }),
  errors: ["broadcast_missing"],
  async handle({ params, ctx }) {
    const { id, ...state } = await readBroadcast(ctx, params.id);
    return { id: String(id), ...state };
  },
});
