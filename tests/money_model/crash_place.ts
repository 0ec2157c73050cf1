import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import pg from "pg";
import type { Database, Db } from "../../db/client/ctx.ts";
import { openPg } from "../../db/client/pg.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { auditLedger } from "../../db/domain/ledger/audit.ts";
import type { TestPostgres } from "../services/postgres.ts";
import { type Cast, engageCast } from "./cast.ts";
import { type Flow, type Subject, type Surroundings, surroundingsOf } from "./flows.ts";

/** What there is of money and of what tells of it, by name: how much, or how many. */
export type Holdings = Record<string, number>;

/** Apart in time, so that the job has a period of its own for each. */
const TRIAL_MS = 7 * 24 * 60 * 60 * 1000;
const STATEMENT_MS = 20_000;

/** One flow made ready to happen once. */
export interface Trial {
  subject: Subject;
  /** When it happens, ms since 1970. */
  nowMs: number;
  before: Holdings;
}

/** One flow's database, in which it is made to happen again and again. */
export class CrashPlace implements AsyncDisposable {
  #trialCount = 0;
  private constructor(
    readonly flow: Flow,
    readonly url: string,
    readonly database: Database,
    private readonly cast: Cast,
    private readonly superuser: pg.Client,
  ) {}

  static async open(postgres: TestPostgres, flow: Flow): Promise<CrashPlace> {
    const url = await postgres.newDatabase();
    const database = openPg(url, { connectMs: STATEMENT_MS, statementMs: STATEMENT_MS });
    const superuser = new pg.Client({ connectionString: url });
    await superuser.connect();
    const { ctx } = surroundingsOf(database, { nowMs: Date.now() });
    const cast = await engageCast(ctx, 4);
    return new CrashPlace(flow, url, database, cast, superuser);
  }

  async prepare(): Promise<Trial> {
    const { flow } = this;
    const startMs = Date.now() + ++this.#trialCount * TRIAL_MS;
    const subject = await flow.prepare(this.#at(startMs).ctx, this.cast);
    const nowMs = startMs + (flow.afterMs ?? 0);
    return { subject, nowMs, before: await holdingsOf(this.database.db) };
  }

  /** The flow through any handle on this database. */
  run(database: Database, { subject, nowMs }: Trial): Promise<unknown> {
    return this.flow.run(surroundingsOf(database, { nowMs, channel: this.flow.channel }), subject);
  }

  /** The flow as it goes where nothing goes wrong. */
  runCalmly(trial: Trial): Promise<unknown> {
    return this.run(this.database, trial);
  }

  /** The same call once more, by whoever is there after the crash. */
  retry({ nowMs, ...trial }: Trial): Promise<unknown> {
    return this.runCalmly({ ...trial, nowMs: nowMs + (this.flow.retryAfterMs ?? 0) });
  }

  /** What came of a trial so far, once nothing of it is under way any more. */
  async changes({ before }: Trial): Promise<Holdings> {
    await this.#untilQuiet();
    const broken = (await auditLedger(this.database)).filter(({ violations }) => violations > 0);
    assert.deepEqual(broken, []);
    const after = await holdingsOf(this.database.db);
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    const changed = [...names].sort()
      .map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)] as const);
    return Object.fromEntries(changed.filter(([, change]) => change !== 0));
  }

  async terminate(backendPid: number): Promise<void> {
    await this.superuser.query("select pg_terminate_backend($1, 5000)", [backendPid]);
  }

  /** A crash leaves its transaction open until the server notices. */
  async #untilQuiet(): Promise<void> {
    const endsAt = Date.now() + STATEMENT_MS;
    for (;;) {
      const { rows } = await this.superuser.query(
        `select from pg_stat_activity where datname = current_database()
          and xact_start is not null and pid <> pg_backend_pid()`,
      );
      if (rows.length === 0) return;
      assert.ok(Date.now() < endsAt, "a transaction stayed open");
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  #at(nowMs: number): Surroundings {
    return surroundingsOf(this.database, { nowMs, channel: this.flow.channel });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.superuser.end();
    await this.database.close();
  }
}

/** Everything a flow may change, in one statement. */
async function holdingsOf(db: Db): Promise<Holdings> {
  const { rows } = await db.execute<{ name: string; count: string }>(sql`
    select 'account ' || kind || case when kind in ('red_packet', 'transfer') then ''
      else ' ' || owner_id end as name, sum(balance)::text as count from accounts group by 1
    union all select 'transaction ' || kind, count(*)::text from transactions group by 1
    union all select 'recharge ' || state, count(*)::text from recharges group by 1
    union all select 'withdrawal ' || state, count(*)::text from withdrawals group by 1
    union all select 'transfer ' || state, count(*)::text from transfers group by 1
    union all select 'packet ' || state, count(*)::text from red_packets group by 1
    union all select 'shares', count(*)::text from red_packet_shares
    union all select 'shares taken', count(user_id)::text from red_packet_shares
    union all select 'tokens', count(*)::text from pay_tokens
    union all select 'tokens used', count(used_at)::text from pay_tokens
    union all select 'password tries', sum(pay_try_count)::text from wallets
    union all select 'messages', count(*)::text from messages
    union all select 'inbox', count(*)::text from inbox
    union all select 'actions', count(*)::text from operator_actions`);
  return Object.fromEntries(rows.map(({ name, count }) => [name, Number(count)]));
}

/** The answer of a call, or the kind of its refusal; anything else it throws is thrown. */
export async function answerOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof DomainError) return `refused: ${error.kind}`;
    throw error;
  }
}
