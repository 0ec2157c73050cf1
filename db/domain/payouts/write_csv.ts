import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { rows } from "../../sql.ts";
import {
  attributeOf,
  BYTE_ORDER_MARK,
  CSV_COLUMNS,
  csvLine,
  type GuardOptions,
} from "./csv_rules.ts";
import { idNoOf, recordColumns, recordOf, type RecordRow, selectRecords } from "./record_row.ts";
import { isWithin, type Scope } from "./scope.ts";

const PAGE_COUNT = 1_000;
const NIL_SERIAL_ID = "00000000-0000-0000-0000-000000000000";

/**
 * The records that are still to be paid out (`init`, and `error` once the cause is mended) as the
 * contract's CSV, in the order of their serial ids: a piece of text for each page of records. Pages
 * are read when they are asked for, each in a statement of its own, so that nothing is held open
 * for a slow reader; a record decided meanwhile is in the file or not.
 */
export async function* writeCsv(
  ctx: Ctx,
  { scope, ...guard }: GuardOptions & { scope: Scope },
): AsyncGenerator<string, void> {
  let after = NIL_SERIAL_ID;
  for (let text = BYTE_ORDER_MARK + csvLine(CSV_COLUMNS, guard);; text = "") {
    const records = await readOpenRecords(ctx, { scope, after });
    for (const record of records) text += csvLine(cellsOf(ctx, record), guard);
    if (text !== "") yield text;
    if (records.length < PAGE_COUNT) return;
    after = records.at(-1)!.serialId;
  }
}

async function readOpenRecords(
  ctx: Ctx,
  { scope, after }: { scope: Scope; after: string },
): Promise<RecordRow[]> {
  const page = sql`select * from profit_records
    where serial_id > ${after} and state <> 'claimed' and ${isWithin(scope, sql`group_id`)}
    order by serial_id limit ${PAGE_COUNT}`;
  const statement = sql`${selectRecords(page)} order by records.serial_id`;
  return await rows(ctx, statement, recordColumns);
}

/** In the order of {@link CSV_COLUMNS}. The result is for whoever pays to fill in. */
function cellsOf(ctx: Ctx, row: RecordRow): string[] {
  const record = recordOf(ctx, row, { isFull: true });
  const { card } = record;
  return [
    record.serialId,
    record.realName?.name ?? "",
    card?.holderName ?? "",
    card?.bankName ?? "",
    card?.branchName ?? "",
    idNoOf(ctx, row),
    card?.number ?? "",
    record.amount,
    record.mobile,
    attributeOf(record),
    "",
  ];
}
