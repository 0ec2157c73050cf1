import { z } from "zod";
import { DESCRIPTION_LENGTH_MAX } from "../../db/domain/payouts/rules.ts";
import { setResult } from "../../db/domain/payouts/set_result.ts";
import { textOrNothingUpTo } from "../fields.ts";
import { CnyRecord, cnyRecord, mayReadFull, scopeOfCall } from "./profits/fields.ts";
import { endpoint } from "./surface.ts";

export const set = endpoint({
  method: "patch",
  path: "/v1/cny_records/{serial_id}/set_result",
  aliases: [{ path: "/v1/profits/cny_records/{serial_id}/set_result" }],
  summary: "Say that a record has been paid out, or why it could not be",
  description: "Said again, nothing happens. A record that has been paid out stays so.",
  needs: "profits.decide",
  params: z.object({ serial_id: z.guid().toLowerCase() }),
  body: z.object({
    state: z.enum(["error", "claimed"]),
    description: textOrNothingUpTo(DESCRIPTION_LENGTH_MAX)
      // The audit keeps it as JSON, in which Postgres takes no half characters.
      .transform((text) => text.toWellFormed()).default(""),
  }),
  data: CnyRecord,
  errors: ["profit_missing", "profit_claimed"],
  async handle({ params, body, actor, headers, ctx }) {
    return cnyRecord(
      await setResult(ctx, {
        ...body,
        serialId: params.serial_id,
        actor,
        scope: scopeOfCall({ actor, headers }),
        isFull: mayReadFull(actor),
      }),
    );
  },
});
