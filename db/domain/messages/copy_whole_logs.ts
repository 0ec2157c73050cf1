import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { bool, type Built, type Column, type Row } from "../../sql.ts";
import { readCopying } from "./copy_log.ts";

/** Statements one reading takes at most: as many as copy some ten thousand lines of a log. */
const RUN_COUNT_MAX = 12;

/** Whether logs go on behind what a statement has copied; beside `copyingState`. */
export const isBehind: SQL = sql`exists (select 1 from claimed
    join group_heads on group_heads.group_id = claimed.group_id
    where group_heads.last_seq > claimed.new_seq) as is_behind`;

/**
 * {@link readCopying} for who wants the newest: again while it {@link isBehind}. Somebody further
 * behind than that is answered what there is by then, and the rest the next time.
 *
 * @throws {DomainError} `service_unavailable` when messages arrived each time
 */
export async function readNewest<Columns extends Record<string, Column<unknown>>>(
  ctx: Ctx,
  reading: { statement: SQL | Built; columns: Columns },
): Promise<Row<Columns>[]> {
  for (let run = 1;; run++) {
    const columns = { ...reading.columns, isBehind: bool };
    const found = await readCopying(ctx, { statement: reading.statement, columns });
    const state = found[0] as { isBehind: boolean } | undefined;
    if (!state?.isBehind || run === RUN_COUNT_MAX) return found as Row<Columns>[];
  }
}
