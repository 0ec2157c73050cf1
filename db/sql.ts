import { fillPlaceholders, type Placeholder, type SQL, sql, type SQLWrapper } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { type LongInteger, longIntegerOf } from "../config/runtime/long_integer.ts";
import type { Ctx, Db } from "./client/ctx.ts";
import { WITH_VALUES } from "./client/statement_names.ts";

/** A value of a statement, or what stands for it in one that is built once. */
export type Term<Value> = Value | Placeholder | SQL;
export type Terms<Values> = { [Name in keyof Values]: Term<Values[Name]> };

/** A point in time as a parameter of written-out SQL: itself, its ISO text, or what stands for that. */
export function instant(at: Term<Date | string>): SQL {
  return sql`${at instanceof Date ? at.toISOString() : at}::timestamptz`;
}

/** A time column as milliseconds since 1970, exact. */
export function milliseconds(column: SQL): SQL {
  return sql`(extract(epoch from ${column}) * 1000)::bigint`;
}

/** A {@link long} column within JSON, in its form there: a number, or its digits as text. */
export function longJson(column: SQL): SQL {
  return sql`case when abs(${column}) <= ${sql.raw(String(Number.MAX_SAFE_INTEGER))}
    then to_jsonb(${column}) else to_jsonb(${column}::text) end`;
}

/** Ids or uids as an array parameter of written-out SQL. */
export function listOf(values: readonly (number | string)[], type: "bigint" | "text"): SQL {
  return sql`${sql.param(listText(values))}::${sql.raw(type)}[]`;
}

/** Ids or uids as the text of an array. */
export function listText(values: readonly (number | string)[]): string {
  return `{${values.join(",")}}`;
}

/**
 * A part of a name as a pattern of LIKE that finds it anywhere: `%`, `_` and `\` stand for
 * themselves.
 */
export function patternOf(part: string): string {
  return `%${part.replaceAll(/[\\%_]/g, "\\$&")}%`;
}

/**
 * Anywhere in a statement: it is planned anew each time ({@link StatementNames}), because what is
 * the best way depends on its values: a part of a name, or how far into a list.
 */
export const PLANNED_WITH_VALUES = sql.raw(WITH_VALUES);

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
/** A 64-bit number that others have chosen. */
export const long: Column<LongInteger> = (answered) => longIntegerOf(answered as string);
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

const dialect = new PgDialect({ casing: "snake_case" });

/** A statement whose text is built, with its parameters filled in. */
export class Built implements SQLWrapper {
  constructor(private readonly text: string, private readonly params: unknown[]) {}
  getSQL(): SQL {
    return this as unknown as SQL;
  }
  toQuery() {
    return { sql: this.text, params: this.params };
  }
}

/**
 * A written-out statement that is built once: later calls only fill in its parameters. `write` gets
 * a placeholder for each of them, by name, and so cannot look at what stands there.
 */
export function built<Given extends object>(
  write: (given: { [Name in keyof Given]-?: Placeholder }) => SQL,
): (given: Given) => Built {
  let query: { sql: string; params: unknown[] } | undefined;
  const placeholders = new Proxy({}, { get: (_, name) => sql.placeholder(String(name)) });
  return (given) => {
    query ??= dialect.sqlToQuery(write(placeholders as Parameters<typeof write>[0]));
    return new Built(query.sql, fillPlaceholders(query.params, given as Record<string, unknown>));
  };
}

/** {@link built}, once for each shape: what a text depends on besides its values. Shapes are few. */
export function builtFor<Shape extends object, Given extends object>(
  write: (shape: Shape, given: { [Name in keyof Given]-?: Placeholder }) => SQL,
): (shape: Shape, given: Given) => Built {
  const statements = new Map<string, (given: Given) => Built>();
  return (shape, given) => {
    const key = Object.values(shape).join();
    const statement = statements.get(key) ?? built<Given>((terms) => write(shape, terms));
    statements.set(key, statement);
    return statement(given);
  };
}

/** A builder's query that is built once for each handle; `build` ends with `.prepare("…")`. */
export function prepared<Query extends object>(build: (db: Db) => Query): (db: Db) => Query {
  const queries = new WeakMap<Db, Query>();
  return (db) => {
    const query = queries.get(db) ?? build(db);
    queries.set(db, query);
    return query;
  };
}

/**
 * Runs a written-out statement; each row has the columns named, in camel case, and no others:
 * `rows(ctx, sql`select id, group_no …`, { id: int8, groupNo: text })`.
 */
export async function rows<Columns extends Record<string, Column<unknown>>>(
  { db }: Pick<Ctx, "db">,
  statement: SQL | Built,
  columns: Columns,
): Promise<Row<Columns>[]> {
  const named = Object.entries(columns);
  const { rows: answered } = await db.execute<Record<string, unknown>>(statement);
  return answered.map((row) => {
    const read: Record<string, unknown> = {};
    for (const [name, column] of named) read[name] = column(row[snakeCaseOf(name)]);
    return read as Row<Columns>;
  });
}

const snakeCases = new Map<string, string>();

/** As the statement answers a column; there are as many as the code names. */
function snakeCaseOf(name: string): string {
  const known = snakeCases.get(name);
  if (known !== undefined) return known;
  const snakeCase = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  snakeCases.set(name, snakeCase);
  return snakeCase;
}
