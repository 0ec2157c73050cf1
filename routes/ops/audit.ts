import { z } from "zod";
import { ACTIONS_START_MAX, listActions } from "../../db/domain/operators/audit_reads.ts";
import { pageOf, pageQuery, timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

const TARGET_LENGTH_MAX = 200;

export const list = endpoint({
  method: "get",
  path: "/v1/audit",
  summary: "See who did what",
  description: "Newest first. `total` is counted up to 10000.",
  needs: "audit.read",
  query: pageQuery(ACTIONS_START_MAX).extend({
    target: z.string().min(1).max(TARGET_LENGTH_MAX).optional()
      .describe("`withdrawal:<no>`, `job:profit:202102`; absent: all"),
  }),
  data: pageOf(z.object({
    at: z.string(),
    operator: z.string().describe("An operator's name, or the id of a script's key"),
    action: z.string().describe("`withdrawals.confirm`"),
    target: z.string(),
    before: z.unknown().describe("What changed, as it was; null: it was not there"),
    after: z.unknown().describe("As it is; null: it is no more"),
    request_id: z.string(),
  })),
  async handle({ query: { target, start, limit }, ctx }) {
    const { total, items } = await listActions(ctx, { target, start, limit });
    return {
      total,
      items: items.map(({ at, requestId, ...action }) => ({
        ...action,
        at: timeText(at),
        request_id: requestId,
      })),
    };
  },
});
