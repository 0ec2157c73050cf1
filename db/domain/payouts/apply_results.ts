import { sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import type { ProfitState } from "../../schema/payouts.ts";
import { bool, instant, type Row, rows, text, typed } from "../../sql.ts";
import type { OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import type { Result } from "./rules.ts";
import { isWithin, type Scope } from "./scope.ts";

export const RESULTS_COUNT_MAX = 500;

export interface LineResult extends Result {
  line: number;
  serialId: string;
}

/** What became of it; `refused`: the record has been paid out, whatever the line says. */
export type Outcome = "changed" | "unchanged" | "unknown" | "refused";

const columns = {
  serialId: text,
  wasState: typed<ProfitState | null>(),
  isChanged: bool,
};

/**
 * Enters the results of up to {@link RESULTS_COUNT_MAX} different records, in one statement, with
 * one line of the audit for all that changed. Records are locked in the order of their ids; what is
 * as it was stays untouched, and a record that was paid out stays so (M10).
 * @returns the outcomes, in the order of the results
 */
export function applyResults(
  ctx: Ctx,
  { actor, scope, results }: { actor: OpsActor; scope: Scope; results: LineResult[] },
): Promise<Outcome[]> {
  const given = results.map(({ serialId, state, description }) => ({
    serial_id: serialId,
    state,
    description,
  }));
  return withTx(ctx, async (tx) => {
    const statement = sql`
      with given as materialized (
        select * from jsonb_to_recordset(${JSON.stringify(given)}::jsonb)
          as given (serial_id uuid, state text, description text)
      ), known as materialized (
        select serial_id, records.state, records.description
        from profit_records as records join given using (serial_id)
        where ${isWithin(scope, sql`group_id`)} order by serial_id for update of records
      ), changed as (
        update profit_records as records set state = given.state,
          description = given.description, updated_at = ${instant(tx.now())}
        from known join given using (serial_id)
        where records.serial_id = known.serial_id and known.state <> 'claimed'
          and (known.state, known.description) is distinct from (given.state, given.description)
        returning records.serial_id
      )
      select given.serial_id, known.state as was_state, changed.serial_id is not null as is_changed
      from given left join known using (serial_id) left join changed using (serial_id)`;
    const found = await rows(tx, statement, columns);
    const known = new Map(found.map((row) => [row.serialId, row]));
    const outcomes = results.map((result) => outcomeOf(result, known.get(result.serialId)!));
    const changed = results.filter((_, at) => outcomes[at] === "changed");
    if (changed.length > 0) {
      await recordAction(tx, {
        actor,
        action: "profits.feedback_rows",
        target: `profits:${changed.length}`,
        before: null,
        after: { claimed: idsOf(changed, "claimed"), error: idsOf(changed, "error") },
      });
    }
    return outcomes;
  });
}

function outcomeOf(
  { state }: LineResult,
  { wasState, isChanged }: Row<typeof columns>,
): Outcome {
  if (wasState === null) return "unknown";
  if (isChanged) return "changed";
  return wasState === "claimed" && state !== "claimed" ? "refused" : "unchanged";
}

function idsOf(results: LineResult[], state: Result["state"]): string[] {
  return results.filter((result) => result.state === state).map(({ serialId }) => serialId);
}
