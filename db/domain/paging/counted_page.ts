import { desc, type SQL, sql, type SQLWrapper } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Ctx } from "../../client/ctx.ts";

export interface PageToCount<Row> {
  /** The rows that are counted: of this table, those there are on any page. */
  of: PgTable;
  where: SQL | undefined;
  /** Counted up to this, which is as far as anybody may page. */
  countMax: number;
  page: PromiseLike<Row[]> & { as(alias: "page"): unknown };
  /** Columns of the page by which it is in order, the greatest first. */
  by: (keyof Row & string)[];
}

/** One page of a list, and how many there are. One statement. */
export async function countedPage<Row extends object>(
  { db }: Pick<Ctx, "db">,
  { of, where, countMax, page: query, by }: PageToCount<Row>,
): Promise<{ total: number; items: Row[] }> {
  const counted = db.select({ one: sql`1`.as("one") }).from(of).where(where).limit(countMax)
    .as("counted");
  const whole = db.select({ total: sql<string>`count(*)`.as("total") }).from(counted).as("whole");
  const page = query.as("page") as Record<keyof Row, SQLWrapper>;
  const rows = await db.select().from(whole).leftJoin(page as never, sql`true`)
    .orderBy(...by.map((column) => desc(page[column]))) as unknown as Joined<Row>[];
  return {
    total: Number(rows[0]!.whole.total),
    items: rows.flatMap(({ page }) => page === null ? [] : [page]),
  };
}

interface Joined<Row> {
  whole: { total: string };
  page: Row | null;
}
