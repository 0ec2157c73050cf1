import { sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { type Claim, LostLeaseError } from "./claims.ts";

/** What came of one chunk: the last person looked at, how many there were, and what was entered. */
export interface Told {
  last?: number | undefined;
  told: number;
  entered: number;
}

export const NOBODY_TOLD: Told = { told: 0, entered: 0 };

/**
 * Tells any number of people, in the order of their ids, a bounded number in each transaction. The
 * place reached is kept in the work's own row and committed with the telling, so nobody is told
 * twice however often this dies on the way.
 * @returns how much was entered
 */
export async function tellInChunks(
  ctx: Ctx,
  claim: Claim<"room_opened" | "event_started">,
  { chunkCount, tell }: {
    chunkCount: number;
    tell: (ctx: Ctx, after: number) => Promise<Told>;
  },
): Promise<number> {
  let enteredCount = 0;
  let after = claim.payload.after ?? 0;
  for (;;) {
    const { last = after, told, entered } = await withTx(ctx, async (tx) => {
      const chunk = await tell(tx, after);
      const isLast = chunk.told < chunkCount;
      await keepPlace(tx, claim, { after: chunk.last ?? after, isLast });
      return chunk;
    });
    enteredCount += entered;
    if (told < chunkCount) return enteredCount;
    after = last;
  }
}

/** Thrown, so that what a worker whose lease is over has told is rolled back. */
async function keepPlace(
  ctx: Ctx,
  { id, fence }: Claim,
  { after, isLast }: { after: number; isLast: boolean },
): Promise<void> {
  const now = instant(ctx.now());
  const { rows: ours } = await ctx.db.execute(sql`
    update pending_work set payload = payload || ${JSON.stringify({ after })}::jsonb,
      done_at = case when ${isLast} then ${now} end, last_error = null
    where id = ${id} and fence = ${fence} and done_at is null and dead_at is null returning id`);
  if (ours.length === 0) throw new LostLeaseError();
}
