import { sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import type { ProfitState } from "../../schema/payouts.ts";
import { bool, instant, rows, text, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import { type ProfitRecord, recordColumns, recordOf, selectRecords } from "./record_row.ts";
import type { Result } from "./rules.ts";
import { isWithin, type Scope } from "./scope.ts";

export interface SetResult extends Result {
  serialId: string;
  actor: OpsActor;
  scope: Scope;
  isFull: boolean;
}

/**
 * Says that a record has been paid out, or why it could not be; the same said again changes
 * nothing. A record that was paid out stays so (M10).
 * @throws {DomainError} `profit_missing` also for one out of the scope,
 *   `profit_claimed` for a paid one
 */
export function setResult(ctx: Ctx, input: SetResult): Promise<ProfitRecord> {
  const { serialId, state, description, actor, scope, isFull } = input;
  return withTx(ctx, async (tx) => {
    const statement = sql`
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
      select known.state, known.description, changed.serial_id is not null as is_changed
      from known left join changed using (serial_id)`;
    const columns = { state: typed<ProfitState>(), description: text, isChanged: bool };
    const [found] = await rows(tx, statement, columns);
    if (!found) throw new DomainError("profit_missing");
    const { isChanged, ...before } = found;
    const isSame = before.state === state && before.description === description;
    if (isChanged) {
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
    const [shown] = await rows(tx, selectRecords(page), recordColumns);
    return recordOf(tx, shown!, { isFull });
  });
}
