import { type SQL, sql } from "drizzle-orm";
import { blindIndex } from "../../../config/runtime/sealed.ts";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import type { ProfitState } from "../../schema/payouts.ts";
import { PaymentType } from "../../schema/people.ts";
import { bool, int8, patternOf, PLANNED_WITH_VALUES, rows } from "../../sql.ts";
import { type ProfitRecord, recordColumns, recordOf, selectRecords } from "./record_row.ts";
import { RECORDS_LISTED_MAX } from "./rules.ts";
import { isWithin, type Scope } from "./scope.ts";

export interface RecordsPage {
  scope: Scope;
  /** Absent: whatever their state. */
  state: ProfitState | undefined;
  /** A part of a real name or of a mobile number, or exactly the number of an id or bank card. */
  keyword: string | undefined;
  /** `start + limit` is at most {@link RECORDS_LISTED_MAX}: callers have checked that. */
  start: number;
  limit: number;
  isFull: boolean;
}

/**
 * One page of profit records, newest first, and how many there are: by the counters, or, of those
 * a keyword finds, counted up to {@link RECORDS_LISTED_MAX}. A keyword that fits more than so many
 * people finds the records of so many of them. One statement.
 */
export async function listRecords(
  ctx: Ctx,
  page: RecordsPage,
): Promise<{ total: number; records: ProfitRecord[] }> {
  const { withs, total, records } = page.keyword === undefined
    ? listed(page)
    : matched(ctx, page, page.keyword);
  const statement =
    sql`${withs} select ${PLANNED_WITH_VALUES} whole.total, shown.serial_id is not null as is_one, shown.*
    from (${total}) as whole left join (${selectRecords(records)}) as shown on true
    order by shown.created_at desc, shown.serial_id desc`;
  const found = await rows(ctx, statement, { ...recordColumns, total: int8, isOne: bool });
  return {
    total: found[0]!.total,
    records: found.flatMap((row) => row.isOne ? [recordOf(ctx, row, page)] : []),
  };
}

interface Listing {
  withs: SQL;
  total: SQL;
  records: SQL;
}

const NEWEST_FIRST = sql`order by created_at desc, serial_id desc`;

/**
 * The counters also say when the last record of a state is found: without them a list of the few
 * that are still to be paid would be looked for through all that ever were.
 */
function listed({ scope, state, start, limit }: RecordsPage): Listing {
  const ofState = state === undefined ? sql`true` : sql`state = ${state}`;
  const counts = sql`profit_counts where ${ofState} and ${isWithin(scope, sql`group_id`)}`;
  const newestOf = (isMeant: SQL, count: SQL) =>
    sql`(select * from profit_records where ${isMeant} and ${ofState} ${NEWEST_FIRST}
      limit least(${start + limit}, ${count})) as newest`;
  const newest = scope === null
    ? newestOf(sql`true`, sql`(select total from whole)`)
    // One stretch of the group's index for each, so that no other group's records are read.
    : sql`(select group_id, sum(count) as count from ${counts} group by group_id) as counted
        cross join lateral ${newestOf(sql`group_id = counted.group_id`, sql`counted.count`)}`;
  return {
    withs: sql`with whole as (select coalesce(sum(count), 0) as total from ${counts})`,
    total: sql`select total from whole`,
    records: sql`select newest.* from ${newest} ${NEWEST_FIRST} limit ${limit} offset ${start}`,
  };
}

function matched(ctx: Ctx, { scope, state, start, limit }: RecordsPage, keyword: string): Listing {
  const ofState = state === undefined ? sql`true` : sql`state = ${state}`;
  return {
    withs: sql`with matched as materialized (
        select user_id from (${matching(ctx, keyword)}) as payees
        where exists (select from profit_records where profit_records.user_id = payees.user_id)
        limit ${RECORDS_LISTED_MAX}
      ), found as materialized (
        select profit_records.* from matched join profit_records using (user_id)
        where ${ofState} and ${isWithin(scope, sql`group_id`)}
        ${NEWEST_FIRST} limit ${RECORDS_LISTED_MAX}
      )`,
    total: sql`select count(*) as total from found`,
    records: sql`select * from found ${NEWEST_FIRST} limit ${limit} offset ${start}`,
  };
}

/** Digits, and no more than any number has (ITU-T E.164). */
const PART_OF_MOBILE = /^\d{1,15}$/;
const ID_NO = /^\d{17}[\dX]$|^\d{15}$/;
const CARD_NUMBER = /^\d{12,19}$/;

/** Who a keyword means: each way of asking goes by an index of its own. */
function matching({ config: { keys } }: Ctx, keyword: string): SQL {
  const pattern = patternOf(keyword);
  const number = keyword.replaceAll(/\s/g, "").toUpperCase();
  const ways = [sql`select user_id from real_names where lower(name) like lower(${pattern})`];
  if (PART_OF_MOBILE.test(keyword)) {
    ways.push(sql`select id from users
      where app_id = ${HOUSE_APP_ID} and mobile like ${pattern}`);
  }
  if (ID_NO.test(number)) {
    ways.push(sql`select user_id from real_names
      where id_no_index = ${blindIndex(keys, "id_no", number)}`);
  }
  if (CARD_NUMBER.test(number)) {
    ways.push(sql`select user_id from payment_methods where type = ${PaymentType.bankCard}
      and removed_at is null and account_index = ${blindIndex(keys, "account", number)}`);
  }
  return sql.join(ways, sql` union `);
}
