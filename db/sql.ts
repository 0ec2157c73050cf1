import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "./client/ctx.ts";

/** A point in time as a parameter of written-out SQL. */
export function instant(at: Date): SQL {
  return sql`${at.toISOString()}::timestamptz`;
}

/** A time column as milliseconds since 1970, exact. */
export function milliseconds(column: SQL): SQL {
  return sql`(extract(epoch from ${column}) * 1000)::bigint`;
}

/** Ids or uids as an array parameter of written-out SQL. */
export function listOf(values: readonly (number | string)[], type: "bigint" | "text"): SQL {
  return sql`${sql.param(`{${values.join(",")}}`)}::${sql.raw(type)}[]`;
}

/**
 * A part of a name as a pattern of LIKE that finds it anywhere: `%`, `_` and `\` stand for
 * themselves.
 */
export function patternOf(part: string): string {
  return `%${part.replaceAll(/[\\%_]/g, "\\$&")}%`;
}

/** One CTE: its name, and what stands in its parentheses. */
export type Part = readonly [name: string, body: SQL];

/** CTEs as they stand behind `with`. */
export function joined(parts: readonly Part[]): SQL {
  return sql.join(parts.map(([name, body]) => sql`${sql.identifier(name)} as (${body})`), sql`, `);
}

/** Reads one column of a written-out statement, in whatever form the driver answers it. */
export type Column<Value> = (answered: unknown) => Value;

/** A 64-bit number below 2^53: drivers answer it as text. */
export const int8: Column<number> = Number;
/** A smaller number. */
export const int4: Column<number> = Number;
export const text: Column<string> = String;
export const bool: Column<boolean> = (answered) => answered as boolean;
/** `milliseconds(…)`. */
export const time: Column<Date> = (answered) => new Date(Number(answered));
/** What the statement made with `json_…`, or text of which it is known what it may be. */
export const typed = <Value>(): Column<Value> => (answered) => answered as Value;
/** Null becomes undefined. */
export const maybe = <Value>(column: Column<Value>): Column<Value | undefined> => (answered) =>
  answered === null ? undefined : column(answered);
/** Null stays null. */
export const nullable = <Value>(column: Column<Value>): Column<Value | null> => (answered) =>
  answered === null ? null : column(answered);

export type Row<Columns> = {
  [Name in keyof Columns]: Columns[Name] extends Column<infer Value> ? Value : never;
};

/**
 * Runs a written-out statement; each row has the columns named, in camel case, and no others:
 * `rows(ctx, sql`select id, group_no …`, { id: int8, groupNo: text })`.
 */
export async function rows<Columns extends Record<string, Column<unknown>>>(
  { db }: Pick<Ctx, "db">,
  statement: SQL,
  columns: Columns,
): Promise<Row<Columns>[]> {
  const named = Object.entries(columns).map(([name, column]) => ({
    name,
    column,
    answeredAs: name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  }));
  const { rows: answered } = await db.execute<Record<string, unknown>>(statement);
  return answered.map((row) =>
    Object.fromEntries(named.map(({ name, column, answeredAs }) => [name, column(row[answeredAs])]))
  ) as Row<Columns>[];
}
