import { z } from "zod";
import { lazy } from "../../../config/runtime/lazy.ts";
import { PROBLEMS_TOLD_MAX, takeFeedback } from "../../../db/domain/payouts/take_feedback.ts";
import { endpoint } from "../surface.ts";
import { scopeOfCall } from "./fields.ts";

const loadReaders = lazy(() => Promise.all([import("./read_upload.ts"), import("./read_csv.ts")]));

const Count = z.number().int();
const Line = Count.describe("From 1, the header");

export const give = endpoint({
  method: "post",
  path: "/v1/profits/cny_records/feedback",
  summary: "Upload the downloaded CSV with what became of each payout",
  description: "In the last column 成功, 已发放 or claimed says that a record has been paid out, " +
    "nothing says nothing, and anything else is why it could not be. UTF-8 or GB18030; a body of " +
    "type `text/csv` will do as well as a form. The same file again changes nothing. Lines that " +
    `cannot be entered are left out and told, the first ${PROBLEMS_TOLD_MAX} of each kind.`,
  needs: "profits.decide",
  keys: true,
  takesFile: true,
  body: z.object({ file: z.string().describe("The CSV file").meta({ format: "binary" }) }),
  data: z.object({
    result: z.literal("ok"),
    claimed: Count.describe("Paid out from now on"),
    failed: Count.describe("In error from now on, or for another reason"),
    unchanged: Count.describe("As the file says already"),
    skipped: Count.describe("Lines without a result"),
    unknown_count: Count,
    unknown: z.array(z.object({ line: Line, serial_id: z.string() })),
    rejected_count: Count,
    rejected: z.array(z.object({ line: Line, reason: z.string() })),
  }),
  async handle({ actor, headers, request, ctx }) {
    const scope = scopeOfCall({ actor, headers });
    const [{ readUpload }, { readCsv }] = await loadReaders();
    const rows = readCsv(readUpload(request));
    const feedback = await takeFeedback(ctx, { rows, actor, scope });
    return {
      result: "ok" as const,
      claimed: feedback.claimedCount,
      failed: feedback.failedCount,
      unchanged: feedback.unchangedCount,
      skipped: feedback.skippedCount,
      unknown_count: feedback.unknownCount,
      unknown: feedback.unknown.map(({ line, text }) => ({ line, serial_id: text })),
      rejected_count: feedback.rejectedCount,
      rejected: feedback.rejected.map(({ line, text }) => ({ line, reason: text })),
    };
  },
});
