import { sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import type { ProfitState } from "../../schema/payouts.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import { type ProfitRecord, recordOf, type RecordRow, selectRecords } from "./record_row.ts";
import type { Result } from "./rules.ts";
import { isWithin, type Scope } from "./scope.ts";

export interface SetResult extends Result {
  serialId: string;
  actor: OpsActor;
  scope: Scope;
  isFull: boolean;
}

interface ChangedRow extends Record<string, unknown> {
  was_state: ProfitState;
  was_description: string;
  /** Null: as it was. */
  serial_id: string | null;
}

/**
 * Says that a record has been paid out, or why it could not be; the same said again changes
 * nothing. A record that was paid out stays so (M10).
 *
 * @throws {DomainError} `profit_missing` also for one out of the scope,
 *   `profit_claimed` for a paid one
 */
export function setResult(ctx: Ctx, input: SetResult): Promise<ProfitRecord> {
  const { serialId, state, description, actor, scope, isFull } = input;
  return withTx(ctx, async (tx) => {
    const { rows: [row] } = await tx.db.execute<ChangedRow>(sql`
      with known as materialized (
        select serial_id, state, description from profit_records
        where serial_id = ${serialId} and ${isWithin(scope, sql`group_id`)} for update
      ), changed as (
        update profit_records as records set state = ${state}, description = ${description},
          updated_at = ${instant(tx.now())}
        from known where records.serial_id = known.serial_id and known.state <> 'claimed'
          and (known.state, known.description) is distinct from (${state}, ${description})
        returning records.serial_id
      )
      select known.state as was_state, known.description as was_description, changed.serial_id
      from known left join changed using (serial_id)`);
    if (!row) throw new DomainError("profit_missing");
    const before = { state: row.was_state, description: row.was_description };
    const isSame = before.state === state && before.description === description;
    if (row.serial_id !== null) {
      await recordAction(tx, {
        actor,
        action: "profits.set_result",
        target: `profit:${serialId}`,
        before,
        after: { state, description },
      });
    } else if (!isSame) {
      throw new DomainError("profit_claimed");
    }
    const page = sql`select * from profit_records where serial_id = ${serialId}`;
    const { rows: [shown] } = await tx.db.execute<RecordRow>(selectRecords(page));
    return recordOf(tx, shown!, { isFull });
  });
}
