import { drizzle } from "drizzle-orm/node-postgres";
import assert from "node:assert/strict";
import pg from "pg";
import type { Config } from "../../config/config.ts";
import type { Ctx, Db } from "../../db/client/ctx.ts";
import { WITH_VALUES } from "../../db/client/statement_names.ts";

/**
 * How PostgreSQL plans: with the values at hand, or once for whatever values there will be, as it
 * may after a prepared statement's fifth run.
 */
export const PLAN_MODES = ["custom", "generic"] as const;
export type PlanMode = (typeof PLAN_MODES)[number];

/** What one run of a statement took. */
export interface StatementCost {
  /** Blocks read, from memory or disk. */
  buffers: number;
  /** Of the plan. */
  indexes: string[];
}

/** By name of what is read. */
export type StatementCosts = Record<string, Record<PlanMode, StatementCost>>;

/** A context whose statements are kept, to be asked about. */
export class StatementListener implements AsyncDisposable {
  readonly ctx: Ctx;
  readonly #said: { text: string; values: unknown[] }[] = [];

  private constructor(readonly client: pg.Client, config?: Config) {
    const recorder = {
      query: (query: { text: string }, values: unknown[]) => {
        this.#said.push({ text: query.text, values });
        return client.query(query as unknown as string, values);
      },
    };
    const db = drizzle({ client: recorder as unknown as pg.Client, casing: "snake_case" });
    this.ctx = { db: db as unknown as Db, config, now: () => new Date() } as Ctx;
  }

  static async open(url: string, config?: Config): Promise<StatementListener> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return new StatementListener(client, config);
  }

  /**
   * Runs a read of one statement, and that again by each way of planning it may meet; keeps no
   * change.
   */
  async costOf<T>(
    read: (ctx: Ctx) => Promise<T>,
  ): Promise<{ answer: T; costs: Record<PlanMode, StatementCost> }> {
    this.#said.length = 0;
    await this.client.query("begin");
    const answer = await read(this.ctx);
    await this.client.query("rollback");
    const { text, values } = this.#said.pop()!;
    assert.equal(this.#said.length, 0, "a read is one statement");
    await this.client.query(`prepare asked as ${text}`);
    const custom = await this.#explain("custom", values);
    const isPlannedOnce = !text.includes(WITH_VALUES);
    const generic = isPlannedOnce ? await this.#explain("generic", values) : custom;
    await this.client.query("deallocate asked");
    return { answer, costs: { custom, generic } };
  }

  /** What each read costs, by its name. */
  async costsOf(
    reads: Iterable<readonly [name: string, read: (ctx: Ctx) => Promise<unknown>]>,
  ): Promise<StatementCosts> {
    const measured: StatementCosts = {};
    for (const [name, read] of reads) measured[name] = (await this.costOf(read)).costs;
    return measured;
  }

  async #explain(mode: PlanMode, values: unknown[]): Promise<StatementCost> {
    const given = values.length === 0 ? "" : `(${values.map(literalOf).join(", ")})`;
    await this.client.query(`set plan_cache_mode = force_${mode}_plan`);
    await this.client.query("begin");
    const explained = await this.client.query(
      `explain (analyze, buffers, format json) execute asked${given}`,
    );
    await this.client.query("rollback");
    const { Plan: plan } = explained.rows[0]["QUERY PLAN"][0];
    const indexes = JSON.stringify(plan).matchAll(/"Index Name":"(\w+)"/g);
    return {
      buffers: plan["Shared Hit Blocks"] + plan["Shared Read Blocks"],
      indexes: [...indexes].map(([, name]) => name!),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end();
  }
}

/** Of a type yet unknown, as the driver sends values. */
function literalOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return pg.escapeLiteral(`{${value.map(String).join()}}`);
  return pg.escapeLiteral(value instanceof Date ? value.toISOString() : String(value));
}
