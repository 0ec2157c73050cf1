import { z } from "zod";
import { writeCsv } from "../../../db/domain/payouts/write_csv.ts";
import { Streamed } from "../../endpoint.ts";
import { endpoint } from "../surface.ts";
import { scopeOfCall } from "./fields.ts";

export const download = endpoint({
  method: "post",
  path: "/v1/profits/cny_records/download",
  summary: "Download what is to be paid out as CSV",
  description: "Records in state `init` and `error`, of all groups or of the one in the header " +
    "`group_id`. UTF-8 with a byte order mark. Text a spreadsheet would run as a formula, and text " +
    "that begins with `'`, stands behind one more `'`, which `feedback` takes away again.",
  needs: "profits.download",
  keys: true,
  query: z.object({
    spreadsheet: z.enum(["0", "1"]).default("0").describe(
      "1: numbers of id and bank cards stand behind a `'` too, for a spreadsheet would round " +
        "them; 0: they are plain, as in the contract's sample",
    ),
  }),
  data: z.string(),
  answersFile: "text/csv",
  async handle({ query, actor, headers, ctx }) {
    const pieces = writeCsv(ctx, {
      scope: scopeOfCall({ actor, headers }),
      isForSpreadsheet: query.spreadsheet === "1",
    });
    // Before the answer begins a failure is still an answer.
    const first = await pieces.next();
    return new Streamed(streamOf(pieces, first), {
      "Content-Type": "text/csv; charset=utf-8",
      "Content-Disposition": 'attachment; filename="cny_profit_records.csv"',
      "Cache-Control": "no-store",
    });
  },
});

/**
 * The file as bytes, each piece made when the client has room for it. A failure breaks the stream
 * off, which the client sees; whoever goes away ends the reading.
 */
function streamOf(
  pieces: AsyncGenerator<string, void>,
  first: IteratorResult<string, void>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let piece: IteratorResult<string, void> | undefined = first;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = piece ?? await pieces.next();
      piece = undefined;
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await pieces.return();
    },
  }, { highWaterMark: 0 });
}
