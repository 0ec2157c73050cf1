import { sql } from "drizzle-orm";
import fc from "fast-check";
import assert from "node:assert/strict";
import type { Database } from "../../db/client/ctx.ts";
import { familyOf, publicTextOf } from "../../db/domain/errors.ts";
import { auditLedger } from "../../db/domain/ledger/audit.ts";
import { runDue } from "../../jobs/run.ts";
import { jobs } from "../../jobs/schedule.ts";
import { openTestDatabase, startTestApp, type TestApp } from "../harness.ts";
import { jobDepsOf } from "../jobs/kit.ts";
import type { Act, Said, Stage } from "./act.ts";
import { Books, type Foreseen } from "./books.ts";
import { engageCast } from "./cast.ts";
import { openPurse } from "./makers.ts";
import { type Program, programs } from "./program.ts";
import { performStep } from "./steps.ts";
import { MINUTE_MS } from "./wallet_acts.ts";

export interface ModelOptions {
  programCount: number;
  seed?: number | undefined;
  /** Of a failure, as it was printed: runs that program alone. */
  path?: string | undefined;
}

export interface ModelFigures {
  programs: number;
  calls: number;
  refusals: number;
  audits: number;
  /** How often each act was answered with what. */
  outcomes: Record<string, number>;
}

/** Programs that share a database: more would make each audit longer. */
const PROGRAMS_PER_DATABASE = 20;
const settleJob = jobs.find(({ name }) => name === "settle")!;

/**
 * Runs random programs against the app and the books in memory. After every step the whole audit
 * holds, everybody has what the books say, and the answer was the one they foresaw.
 *
 * @throws what fast-check reports: seed, path, and the smallest program that fails
 */
export async function runPrograms(
  { programCount, seed, path }: ModelOptions,
): Promise<ModelFigures> {
  const figures: ModelFigures = { programs: 0, calls: 0, refusals: 0, audits: 0, outcomes: {} };
  const place = new ModelPlace();
  try {
    await fc.assert(
      fc.asyncProperty(programs, async (program) => {
        figures.programs++;
        await new Run(await place.stageFor(program), program, figures).toEnd();
      }),
      {
        numRuns: programCount,
        ...seed !== undefined && { seed },
        ...path !== undefined && { path },
      },
    );
    await place.close();
  } catch (error) {
    await place.abandon();
    throw error;
  }
  return figures;
}

/** Apps and databases, fresh ones every few programs. */
class ModelPlace {
  #uses = 0;
  #database: Database | undefined;
  /** Of either way to pay in, on one database and clocks that go together. */
  #apps: { development: TestApp; manual: TestApp } | undefined;

  async stageFor({ personCount, isManual }: Program): Promise<Stage> {
    if (this.#uses++ % PROGRAMS_PER_DATABASE === 0) await this.#renew();
    const { development, manual } = this.#apps!;
    const app = isManual ? manual : development;
    const advance = (ms: number) => {
      for (const { clock } of [development, manual]) clock.advance(ms);
    };
    return { app, advance, ...await engageCast(app.ctx, personCount) };
  }

  async #renew(): Promise<void> {
    await this.close();
    const database = this.#database = await openTestDatabase();
    const start = (channel: string) =>
      startTestApp({ database, env: { RECHARGE_CHANNEL: channel } });
    this.#apps = { development: await start("development"), manual: await start("manual") };
  }

  /** @throws what an app logged that it should not have */
  async close(): Promise<void> {
    const apps = this.#apps;
    this.#apps = undefined;
    await apps?.development[Symbol.asyncDispose]();
    await apps?.manual[Symbol.asyncDispose]();
    await this.#database?.close();
    this.#database = undefined;
  }

  /** After a failure, which is told already. */
  async abandon(): Promise<void> {
    await this.close().catch(() => {});
    await this.#database?.close();
  }
}

/** One program being run. */
class Run {
  readonly books: Books;
  readonly history: Act[] = [];

  constructor(
    private readonly stage: Stage,
    private readonly program: Program,
    private readonly figures: ModelFigures,
  ) {
    this.books = new Books(stage.people.length, stage.people, program.isManual);
  }

  async toEnd(): Promise<void> {
    // Without money most calls would be refused for the want of it.
    for (const [who] of this.books.purses.entries()) await openPurse(this, who);
    for (const step of this.program.steps) await performStep(this, step);
  }

  perform = async (act: Act): Promise<void> => {
    const foreseen = act.foresee(this.books);
    const said = await act.call(this.stage);
    const outcome = `${act.name}: ${"refused" in foreseen ? foreseen.refused : "granted"}`;
    this.figures.calls++;
    this.figures.outcomes[outcome] = (this.figures.outcomes[outcome] ?? 0) + 1;
    this.history.push(act);
    const what = `${this.history.length}. ${act.name} ${JSON.stringify(act.input)}: ${
      JSON.stringify(said.data)
    }`;
    try {
      this.#judge(foreseen, said);
      await this.#compare();
    } catch (cause) {
      throw new Error(`${what}\n${(cause as Error).message}`, { cause });
    }
  };

  advance = (minutes: number): void => {
    this.books.minute += minutes;
    this.stage.advance(minutes * MINUTE_MS);
  };

  /** A minute later, for the job runs once in each. */
  settle = async (): Promise<void> => {
    this.advance(1);
    this.books.settle();
    const [run] = await runDue(settleJob, jobDepsOf(this.stage.app));
    assert.equal(run?.state, "done");
    await this.#compare();
  };

  #judge(foreseen: Foreseen, { http, data, errors }: Said): void {
    if ("granted" in foreseen) {
      assert.equal(http, 200);
      foreseen.granted(data);
      return;
    }
    this.figures.refusals++;
    const { refused: kind } = foreseen;
    const { status, message = publicTextOf(kind) } = errors[kind] ?? errors[familyOf(kind)];
    assert.deepEqual([http, data.msg], [status, message], `expected ${kind}`);
  }

  /** Whether the database has what the books have, and all its invariants. */
  async #compare(): Promise<void> {
    const { app: { database: { db } }, people } = this.stage;
    this.figures.audits++;
    const broken = (await auditLedger({ db })).filter(({ violations }) => violations > 0);
    assert.deepEqual(broken, []);
    const ids = sql.param(`{${people.map(({ userId }) => userId).join(",")}}`);
    const { rows } = await db.execute<{ kind: string; owner: string; balance: string }>(sql`
      select kind, owner_id::text as owner, balance::text from accounts
      where kind in ('wallet', 'withdrawal', 'payout', 'recharge')
        and owner_id = any(${ids}::bigint[])`);
    const held = new Map(rows.map(({ kind, owner, balance }) => [`${kind} ${owner}`, balance]));
    const of = (kind: string, { userId }: { userId: number }) =>
      Number(held.get(`${kind} ${userId}`) ?? 0);
    assert.deepEqual(
      people.map((person) => ({
        wallet: of("wallet", person),
        held: of("withdrawal", person),
        paidOut: of("payout", person),
        paidIn: -of("recharge", person) + 0,
      })),
      this.books.purses.map(({ wallet, held, paidOut, paidIn }) => ({
        wallet,
        held,
        paidOut,
        paidIn,
      })),
    );
  }
}
