import { z } from "zod";
import { listRecords } from "../../db/domain/payouts/list_records.ts";
import { KEYWORD_LENGTH_MAX, RECORDS_LISTED_MAX } from "../../db/domain/payouts/rules.ts";
import { pageOf, pageQuery } from "./fields.ts";
import { CnyRecord, cnyRecord, mayReadFull, scopeOfCall } from "./profits/fields.ts";
import { endpoint } from "./surface.ts";

export const list = endpoint({
  method: "get",
  path: "/v1/profits/cny_records",
  summary: "List what people are to be paid out",
  description: "Newest first, of all groups or of the one in the header `group_id`. With a " +
    `keyword \`total\` is counted up to ${RECORDS_LISTED_MAX}.`,
  needs: "profits.read",
  keys: true,
  query: pageQuery(RECORDS_LISTED_MAX).extend({
    state: z.enum(["init", "error", "claimed"]).optional().describe("Absent: all"),
    keyword: z.string().trim().max(KEYWORD_LENGTH_MAX).optional()
      .describe("A part of a real name or mobile number; a whole id or bank card number"),
  }).refine(({ start, limit }) => start + limit <= RECORDS_LISTED_MAX, {
    path: ["start"],
    message: `只能查看前${RECORDS_LISTED_MAX}条`,
    params: { english: `Only the first ${RECORDS_LISTED_MAX} can be listed` },
  }),
  data: pageOf(CnyRecord),
  async handle({ query: { keyword, ...query }, actor, headers, ctx }) {
    const { total, records } = await listRecords(ctx, {
      ...query,
      state: query.state,
      keyword: keyword || undefined,
      scope: scopeOfCall({ actor, headers }),
      isFull: mayReadFull(actor),
    });
    return { total, items: records.map(cnyRecord) };
  },
});
