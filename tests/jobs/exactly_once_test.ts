import { asc, eq, sql } from "drizzle-orm";
import fc from "fast-check";
import assert from "node:assert/strict";
import type { Database, Db } from "../../db/client/ctx.ts";
import { listJobs } from "../../db/domain/jobs/list_jobs.ts";
import { jobRuns } from "../../db/schema/jobs.ts";
import { tick } from "../../jobs/cron.ts";
import { type Job, type JobDeps, runDue } from "../../jobs/run.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { openPatiently, startPostgres } from "../services/postgres.ts";
import { sized } from "../size.ts";
import { CHUNK_COUNT as KILLED_CHUNK_COUNT } from "./counting_process.ts";
import { countingJob, createEffects, jobDepsOf, readEffects } from "./kit.ts";

const HOUR_MS = 60 * 60_000;
const HISTORY_COUNT = sized({ suite: 20, full: 300 });
/** Each hour of it is a period to be made up for; they are more than are made up for at a time. */
const OUTAGE_HOURS = sized({ suite: 54, full: 72 });
const CHUNK_COUNT = 2;
/** Longer than any run rests after a failure, ms. */
const REST_MS = 11 * 60_000;
/** Ticks after which everything must have been made up for. */
const RECOVERY_TICK_COUNT_MAX = 60;

/** What may befall two schedulers. */
type Step =
  | { kind: "tick"; who: 0 | 1 | "both"; diesAt?: number | undefined; fails?: boolean }
  | { kind: "wait"; minutes: number }
  | { kind: "outage" }
  | { kind: "jump"; who: 0 | 1; hours: -1 | 0 | 1 }
  | { kind: "preview" };

const who = fc.constantFrom(0 as const, 1 as const);
const Steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant("tick" as const),
        who: fc.oneof(who, fc.constant("both" as const)),
        // Of a tick's boundaries: each statement, and each commit, before it and after.
        diesAt: fc.option(fc.nat(30), { nil: undefined }),
        fails: fc.boolean(),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("wait" as const),
        minutes: fc.integer({ min: 1, max: 130 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "outage" as const }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("jump" as const),
        who,
        hours: fc.constantFrom(-1 as const, 0 as const, 1 as const),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "preview" as const }) },
  ),
  { minLength: 3, maxLength: 14 },
);

/**
 * A database as one process has it that is killed at some statement or commit: from there on none
 * of its statements arrives, and what it had not committed is rolled back.
 */
function mortal(database: Database, boundaryCount: number): Database {
  let left = boundaryCount;
  const reach = () => {
    if (left-- <= 0) throw new Error("killed");
  };
  const watch = (db: Db): Db =>
    new Proxy(db, {
      get(target, name) {
        if (["select", "insert", "update", "delete", "execute"].includes(String(name))) reach();
        const member = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
  return {
    ...database,
    db: watch(database.db),
    async transact(work) {
      reach();
      const done = await database.transact((db) => work(watch(db)));
      reach();
      return done;
    },
  };
}

/** Two schedulers, each with a clock of its own, over one database. */
class World {
  #nowMs = Date.parse("2026-03-01T10:00:00Z");
  readonly #skewHours = [0, 0];
  readonly jobs: Job[] = [];

  constructor(readonly app: TestApp) {
    for (const [name, catchUp] of [["count", "each"], ["newest", "latest"]] as const) {
      this.jobs.push(this.jobOf({ name, catchUp, worker: name }));
    }
  }

  get now() {
    return new Date(this.#nowMs);
  }

  jobOf({ fails = false, ...options }: Parameters<typeof countingJob>[0] & { fails?: boolean }) {
    const name = options.name!;
    return countingJob({
      ...options,
      // The jobs share the table of effects.
      worker: name,
      chunkCount: CHUNK_COUNT,
      afterEffect: (chunk) => {
        if (fails && chunk === 1) throw new Error("chunk 1 fails");
      },
    });
  }

  #deps(clock: 0 | 1, over: Partial<JobDeps> = {}): JobDeps {
    const now = () => new Date(this.#nowMs + this.#skewHours[clock]! * HOUR_MS);
    return jobDepsOf(this.app, { now, log: () => {}, ...over });
  }

  async take(step: Step): Promise<void> {
    if (step.kind === "wait") this.#nowMs += step.minutes * 60_000;
    if (step.kind === "outage") this.#nowMs += OUTAGE_HOURS * HOUR_MS;
    if (step.kind === "jump") this.#skewHours[step.who] = step.hours;
    if (step.kind === "preview") {
      const config = { ...this.app.config, timeline: "preview/abc" };
      for (const job of this.jobs) await tick(job, this.#deps(0, { config }));
    }
    if (step.kind === "tick") await this.#tick(step);
    await this.assertMissedCounted();
  }

  async #tick({ who, diesAt, fails = false }: Step & { kind: "tick" }): Promise<void> {
    const { database } = this.app;
    const killed = diesAt === undefined ? {} : { database: mortal(database, diesAt) };
    const jobs = this.jobs.map(({ name, catchUp }) => this.jobOf({ name, catchUp, fails }));
    // Of both only the first dies.
    const workers = who === "both" ? [this.#deps(0, killed), this.#deps(1)] : [
      this.#deps(who, killed),
    ];
    await Promise.all(workers.flatMap((deps) => jobs.map((job) => tick(job, deps))));
  }

  readRuns = async (job: string) =>
    await this.app.database.db.select().from(jobRuns).where(eq(jobRuns.job, job))
      .orderBy(asc(jobRuns.period));

  /** Hours from the first period there ever was to the one of now, written out. */
  #dueHours(first: string): string[] {
    const hours: string[] = [];
    for (let ms = Date.parse(first.replace("Z", ":00Z")); ms <= this.#nowMs; ms += HOUR_MS) {
      hours.push(`${new Date(ms).toISOString().slice(0, 13)}Z`);
    }
    return hours;
  }

  /** Counted here from the rows alone, in another way than there. */
  async assertMissedCounted(): Promise<void> {
    const [each, latest] = await listJobs(
      { ...this.app.ctx, now: () => this.now },
      this.jobs,
    );
    const runs = await this.readRuns("count");
    const done = new Set(runs.filter(({ state }) => state === "done").map(({ period }) => period));
    const due = runs[0] ? this.#dueHours(runs[0].period) : [`${this.now.toISOString()}`];
    const missed = due.filter((period) => !done.has(period));
    assert.equal(each!.missedCount, missed.length, `missed of ${due.length} due`);
    const thisHour = `${this.now.toISOString().slice(0, 13)}Z`;
    const isDone = (await this.readRuns("newest")).some(({ period, state }) =>
      period === thisHour && state === "done"
    );
    assert.equal(latest!.missedCount, isDone ? 0 : 1);
  }

  /** Clocks are right again, nobody dies any more, and operators reopen what was given up. */
  async recover(): Promise<void> {
    this.#skewHours.fill(0);
    this.#nowMs += 2 * HOUR_MS;
    for (let count = 0; count < RECOVERY_TICK_COUNT_MAX; count++) {
      for (const job of this.jobs) {
        await tick(job, this.#deps(0));
        const dead = (await this.readRuns(job.name)).filter(({ state }) => state === "dead");
        for (const { period } of dead) await runDue(job, this.#deps(1), { period });
      }
      const runs = (await Promise.all(this.jobs.map(({ name }) => this.readRuns(name)))).flat();
      const jobs = await listJobs({ ...this.app.ctx, now: () => this.now }, this.jobs);
      const isMissing = jobs.some(({ missedCount }) => missedCount > 0);
      if (!isMissing && runs.every(({ state }) => state === "done")) return;
      this.#nowMs += REST_MS;
    }
    assert.fail("not everything was made up for");
  }

  async assertOnce(): Promise<void> {
    const effects = await readEffects(this.app.database);
    for (const { name } of this.jobs) {
      const runs = await this.readRuns(name);
      const theirs = effects.filter(({ worker }) => worker === name)
        .map(({ period, chunk }) => `${period} ${chunk}`);
      const expected = runs.flatMap(({ period }) =>
        Array.from({ length: CHUNK_COUNT }, (_, chunk) => `${period} ${chunk}`)
      );
      assert.deepEqual(theirs, expected, `${name}: each chunk of each period once, no others`);
    }
    const periods = (await this.readRuns("count")).map(({ period }) => period);
    assert.deepEqual(periods, this.#dueHours(periods[0]!), "no hour was left out");
  }
}

Deno.test(`in ${HISTORY_COUNT} random histories every period's effects happen once`, async () => {
  await using app = await startTestApp();
  await createEffects(app.database);
  await fc.assert(
    fc.asyncProperty(Steps, async (steps) => {
      await app.database.db.execute(sql`truncate job_runs, effects restart identity`);
      const world = new World(app);
      for (const step of steps) await world.take(step);
      await world.recover();
      await world.assertOnce();
    }),
    { numRuns: HISTORY_COUNT },
  );
});

const KILL_ROUND_COUNT = sized({ suite: 8, full: 20 });
/** Hours that pass between two rounds: so many periods are there to be worked on. */
const ROUND_HOURS = 4;

/** A process with the counting job, whose clock is ahead; resolves once it has begun. */
async function startCounting(
  url: string,
  { aheadMs, worker }: { aheadMs: number; worker: string },
): Promise<Deno.ChildProcess> {
  const program = new URL("./counting_process.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--allow-net", "--allow-env", "--allow-sys", "--allow-read"],
      ...[program, url, String(aheadMs), worker],
    ],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assert.match(new TextDecoder().decode(value), /ready/);
  await reader.cancel();
  return child;
}

async function killUnlessDone(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof TypeError)) throw error;
  }
  await child.status;
}

const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

Deno.test({
  name: `pg: of two processes, killed ${KILL_ROUND_COUNT} times, nothing is left out or done twice`,
  ignore: !postgres,
  async fn() {
    const url = await postgres!.newDatabase();
    const database = openPatiently(url);
    await using app = await startTestApp({ database });
    await createEffects(database);
    const readRuns = () => database.db.select().from(jobRuns).orderBy(asc(jobRuns.period));
    let killedAtWork = 0;
    for (let round = 0; round < KILL_ROUND_COUNT; round++) {
      const aheadMs = round * ROUND_HOURS * HOUR_MS;
      const [victim, other] = await Promise.all(
        ["victim", "other"].map((worker) => startCounting(url, { aheadMs, worker })),
      ) as [Deno.ChildProcess, Deno.ChildProcess];
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
      await killUnlessDone(victim);
      // Every other time nobody is left who could go on.
      if (round % 2 === 1) await killUnlessDone(other);
      await other.status;
      if ((await readRuns()).some(({ state }) => state === "running")) killedAtWork += 1;
    }
    assert.ok(killedAtWork >= KILL_ROUND_COUNT / 4, `killed at work ${killedAtWork} times only`);

    const now = () => new Date(Date.now() + KILL_ROUND_COUNT * ROUND_HOURS * HOUR_MS);
    const survivor = countingJob({ worker: "survivor", chunkCount: KILLED_CHUNK_COUNT });
    for (let count = 0; count < RECOVERY_TICK_COUNT_MAX; count++) {
      if ((await runDue(survivor, jobDepsOf(app, { now }))).length === 0) break;
    }
    const runs = await readRuns();
    assert.deepEqual(runs.map(({ state }) => state), runs.map(() => "done"));
    const hours = (Date.parse(runs.at(-1)!.period.replace("Z", ":00Z")) -
      Date.parse(runs[0]!.period.replace("Z", ":00Z"))) / HOUR_MS;
    assert.equal(runs.length, hours + 1, "no hour was left out");
    const effects = (await readEffects(database)).map(({ period, chunk }) => `${period} ${chunk}`);
    const expected = runs.flatMap(({ period }) =>
      Array.from({ length: KILLED_CHUNK_COUNT }, (_, chunk) => `${period} ${chunk}`)
    );
    assert.deepEqual(effects, expected);
    await database.close();
  },
});
