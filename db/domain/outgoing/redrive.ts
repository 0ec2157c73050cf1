import { sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import { countSends } from "./count_sends.ts";
import { type ListedWork, readWork } from "./reads.ts";

/**
 * Work that is no dead letter (any more) stays as it is.
 * @throws {DomainError} `dead_letter_missing`
 */
export async function redriveDeadLetter(
  ctx: Ctx,
  { id, actor }: { id: number; actor: OpsActor },
): Promise<ListedWork> {
  return await withTx(ctx, async (tx) => {
    const before = await readWork(tx, id);
    if (!before) throw new DomainError("dead_letter_missing");
    // Of two at once the second finds nothing to redrive, whatever it has read.
    if (!await redriveWork(tx, id)) return (await readWork(tx, id))!;
    const { attemptCount: attempts, lastError } = before;
    await recordAction(tx, {
      actor,
      action: "dead_letters.redrive",
      target: `pending_work:${id}`,
      before: { dead: true, attempts, last_error: lastError },
      after: { dead: false, attempts: 0 },
    });
    return (await readWork(tx, id))!;
  });
}

/**
 * Gives a dead letter all its tries again, from now on. Its message id stays, so that a receiver
 * who has had it after all drops it.
 * @returns false when there is no such dead letter
 */
export async function redriveWork(ctx: Ctx, id: number): Promise<boolean> {
  const now = instant(ctx.now());
  const { rows } = await ctx.db.execute(sql`
    with redriven as (
      update pending_work set dead_at = null, attempt_count = 0, due_at = ${now}
      where id = ${id} and dead_at is not null returning id, kind, payload
    ), counted as (
      ${countSends(sql`select kind, payload, 0 as sent, -1 as failed from redriven`, now)}
    )
    select id from redriven`);
  return rows.length === 1;
}
