import { eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { runJobCommand } from "../../commands/run_job.ts";
import { withTx } from "../../db/client/ctx.ts";
import { RUN_TRY_COUNT_MAX } from "../../db/domain/jobs/rules.ts";
import {
  claimRun,
  commitChunk,
  enterRuns,
  LateWriterError,
  RUN_LEASE_MS,
} from "../../db/domain/jobs/runs.ts";
import { jobRuns } from "../../db/schema/jobs.ts";
import { mayRunJobs, registerCron, tick } from "../../jobs/cron.ts";
import { type Job, type JobDeps, runDue } from "../../jobs/run.ts";
import { jobs } from "../../jobs/schedule.ts";
import { settleBy, type SettleStep } from "../../jobs/settle.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { openPatiently, startPostgres } from "../services/postgres.ts";
import {
  countingJob,
  createEffects,
  type Effect,
  hourly,
  jobDepsOf,
  readEffects,
  setClock,
} from "./kit.ts";

const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

/** Claims something of the runner on embedded parts, and on a real server with its real locks. */
function claim(name: string, hold: (app: TestApp) => Promise<void>): void {
  Deno.test(`pglite: ${name}`, async () => {
    await using app = await startTestApp();
    await createEffects(app.database);
    await hold(app);
  });
  Deno.test({
    name: `pg: ${name}`,
    ignore: !postgres,
    async fn() {
      const database = openPatiently(await postgres!.newDatabase());
      try {
        await createEffects(database);
        await using app = await startTestApp({ database });
        await hold(app);
      } finally {
        await database.close();
      }
    },
  });
}

const chunksOf = (effects: Effect[], period: string) =>
  effects.filter((effect) => effect.period === period).map(({ chunk }) => chunk);
const forgive = (app: TestApp) => app.logs.splice(0);
const readRuns = ({ database }: TestApp) =>
  database.db.select().from(jobRuns).orderBy(jobRuns.period);

claim("a period is run once, however often and by however many it is looked for", async (app) => {
  setClock(app.clock, "2026-03-01T10:00:10Z");
  const deps = jobDepsOf(app);
  const answers = await Promise.all(
    ["a", "b", "c", "d"].map((worker) => runDue(countingJob({ worker }), deps)),
  );
  assert.equal(answers.flat().length, 1, "one worker had it");
  assert.deepEqual(answers.flat()[0], {
    period: "2026-03-01T10Z",
    state: "done",
    report: { chunks: 3 },
    lastError: null,
  });
  assert.deepEqual(await runDue(countingJob(), deps), []);
  assert.deepEqual(chunksOf(await readEffects(app.database), "2026-03-01T10Z"), [0, 1, 2]);
  assert.equal(new Set((await readEffects(app.database)).map(({ worker }) => worker)).size, 1);
});

claim("missed periods are made up for, each once, by two runners together", async (app) => {
  setClock(app.clock, "2026-03-01T00:00:10Z");
  const deps = jobDepsOf(app);
  await runDue(countingJob(), deps);
  app.clock.advance(12 * 60 * 60_000);
  await Promise.all([
    runDue(countingJob({ worker: "a" }), deps),
    runDue(countingJob({ worker: "b" }), deps),
  ]);
  const effects = await readEffects(app.database);
  const periods = [...new Set(effects.map(({ period }) => period))];
  assert.equal(periods.length, 13);
  for (const period of periods) assert.deepEqual(chunksOf(effects, period), [0, 1, 2], period);
});

claim("a job that wants the latest period only skips what was missed", async (app) => {
  setClock(app.clock, "2026-03-01T00:00:10Z");
  const deps = jobDepsOf(app);
  const job = countingJob({ catchUp: "latest", chunkCount: 1 });
  await runDue(job, deps);
  app.clock.advance(12 * 60 * 60_000);
  await runDue(job, deps);
  const effects = await readEffects(app.database);
  assert.deepEqual(effects.map(({ period }) => period), ["2026-03-01T00Z", "2026-03-01T12Z"]);
});

for (const crashAt of [0, 1, 2]) {
  claim(`a worker that dies in chunk ${crashAt} leaves the rest to the next`, async (app) => {
    setClock(app.clock, "2026-03-01T10:00:10Z");
    const deps = jobDepsOf(app);
    // A process that dies neither fails the run nor gives it back: its lease has to end.
    const dying = countingJob({ worker: "dying" });
    const ctx = { ...app.ctx };
    await runDue({ ...dying, chunk: () => Promise.reject(new Error("not yet")) }, deps);
    forgive(app);
    app.clock.advance(RUN_LEASE_MS);
    let run = (await claimRun(ctx, { job: dying.name }))!;
    for (let chunk = 0; chunk < crashAt; chunk++) {
      const input = { ...run, providers: app.providers };
      const step = await commitChunk(ctx, run, (tx) => dying.chunk(tx, input));
      run = { ...run, progress: step.progress };
    }
    await assert.rejects(commitChunk(ctx, run, async (tx) => {
      await dying.chunk(tx, { ...run, providers: app.providers });
      throw new Error("killed before the commit");
    }));

    assert.deepEqual(await runDue(countingJob({ worker: "next" }), deps), [], "the lease holds");
    app.clock.advance(RUN_LEASE_MS);
    const [finished] = await runDue(countingJob({ worker: "next" }), deps);
    assert.equal(finished!.state, "done");
    const workers = (await readEffects(app.database)).map(({ worker }) => worker);
    assert.deepEqual(workers, [0, 1, 2].map((chunk) => chunk < crashAt ? "dying" : "next"));
  });
}

claim("a worker that comes back late commits nothing, effects included", async (app) => {
  setClock(app.clock, "2026-03-01T10:00:10Z");
  const deps = jobDepsOf(app);
  let wake = () => {};
  const sleeping = new Promise<void>((resolve) => wake = resolve);
  let isAsleep = () => {};
  const asleep = new Promise<void>((resolve) => isAsleep = resolve);
  const slow = countingJob({ worker: "slow" });
  const slowRun = runDue({
    ...slow,
    callsOut: true,
    async chunk(ctx, input) {
      isAsleep();
      await sleeping;
      return await slow.chunk(ctx, input);
    },
  }, deps);
  await asleep;
  app.clock.advance(RUN_LEASE_MS);
  await runDue(countingJob({ worker: "quick" }), deps);
  wake();
  const [seen] = await slowRun;
  assert.equal(seen!.state, "done");
  const [row] = await readRuns(app);
  assert.deepEqual(row!.report, { chunks: 3 });
  assert.equal(row!.fence, 2);

  // The same inside the transaction: the effect goes with the refused commit.
  const late = { id: row!.id, period: row!.period, fence: 1, tryCount: 1, progress: null };
  const before = (await readEffects(app.database)).length;
  await assert.rejects(
    commitChunk(app.ctx, late, (tx) => slow.chunk(tx, { ...late, providers: app.providers })),
    LateWriterError,
  );
  assert.equal((await readEffects(app.database)).length, before);
});

claim("while another worker has the run, a late one commits nothing", async (app) => {
  setClock(app.clock, "2026-03-01T10:00:10Z");
  const job = countingJob({ worker: "late" });
  await runDue(job, jobDepsOf(app), { budgetMs: Number.MIN_VALUE });
  const late = (await claimRun(app.ctx, { job: job.name }))!;
  app.clock.advance(RUN_LEASE_MS);
  const current = (await claimRun(app.ctx, { job: job.name }))!;
  assert.deepEqual([late.fence, current.fence], [2, 3]);
  const chunk = (run: typeof late) =>
    commitChunk(app.ctx, run, (tx) => job.chunk(tx, { ...run, providers: app.providers }));
  await assert.rejects(chunk(late), LateWriterError);
  assert.equal((await readEffects(app.database)).length, 1);
  await chunk(current);
  assert.equal((await readEffects(app.database)).length, 2);
});

Deno.test({
  name: "pg: a run whose claim is not committed yet is passed over without a wait",
  ignore: !postgres,
  async fn() {
    const database = openPatiently(await postgres!.newDatabase());
    await using app = await startTestApp({ database });
    await enterRuns(app.ctx, "count", ["2026-03-01T10Z", "2026-03-01T11Z"]);
    const [theirs, mine] = await withTx(app.ctx, async (ctx) => [
      await claimRun(ctx, { job: "count" }),
      await claimRun(app.ctx, { job: "count" }),
    ]);
    assert.deepEqual([theirs!.period, mine!.period], ["2026-03-01T10Z", "2026-03-01T11Z"]);
    await database.close();
  },
});

claim(
  "a run that fails rests, is tried five times, and is dead; a later one goes on",
  async (app) => {
    setClock(app.clock, "2026-03-01T10:00:00Z");
    const deps = jobDepsOf(app);
    const broken = countingJob({
      afterEffect: (chunk) => {
        if (chunk === 1) throw new Error("chunk 1 is cursed");
      },
    });
    let tries = 0;
    for (let minute = 0; minute < 30; minute++) {
      const found = await runDue(broken, deps);
      tries += found.length;
      app.clock.advance(60_000);
    }
    forgive(app);
    const [run] = await readRuns(app);
    assert.equal(run!.state, "dead");
    assert.equal(run!.lastError, "chunk 1 is cursed");
    assert.equal(tries, RUN_TRY_COUNT_MAX);
    assert.deepEqual(chunksOf(await readEffects(app.database), run!.period), [0]);

    app.clock.advance(60 * 60_000);
    const [next] = await runDue(countingJob(), deps);
    assert.deepEqual([next!.period, next!.state], ["2026-03-01T11Z", "done"]);
    const [reopened] = await runDue(countingJob(), deps, { period: run!.period });
    assert.equal(reopened!.state, "done", "asked for by name it goes on where it ended");
    assert.deepEqual(chunksOf(await readEffects(app.database), run!.period), [0, 1, 2]);
  },
);

claim("a run that got further has all its tries again", async (app) => {
  setClock(app.clock, "2026-03-01T10:00:00Z");
  let tries = 0;
  const job = countingJob({
    afterEffect: (chunk) => {
      if (++tries < RUN_TRY_COUNT_MAX || chunk === 1) throw new Error("not yet");
    },
  });
  for (let minute = 0; minute < 10; minute++) {
    await runDue(job, jobDepsOf(app));
    if (tries > RUN_TRY_COUNT_MAX) break;
    app.clock.advance(5 * 60_000);
  }
  forgive(app);
  const [run] = await readRuns(app);
  assert.deepEqual([run!.state, run!.attemptCount, run!.progress], ["running", 1, { chunk: 1 }]);
});

claim("a run whose workers all die is dead after as many tries", async (app) => {
  setClock(app.clock, "2026-03-01T10:00:00Z");
  await runDue(
    { ...countingJob(), chunk: () => Promise.reject(new Error("first")) },
    jobDepsOf(app),
  );
  forgive(app);
  for (let at = 0; at < 10; at++) {
    app.clock.advance(RUN_LEASE_MS);
    await claimRun(app.ctx, { job: "count" });
  }
  const [run] = await readRuns(app);
  assert.equal(run!.state, "dead");
  assert.equal(run!.attemptCount, RUN_TRY_COUNT_MAX + 1);
});

claim(
  "a run longer than a tick goes on at the next one, and none of it counts as a try",
  async (app) => {
    setClock(app.clock, "2026-03-01T10:00:00Z");
    const deps = jobDepsOf(app);
    const long = countingJob({ chunkCount: 20 });
    for (let at = 1; at < 20; at++) {
      const [run] = await runDue(long, deps, { budgetMs: Number.MIN_VALUE });
      assert.deepEqual([run!.state, run!.report], ["running", { chunks: at }]);
      assert.equal((await readRuns(app))[0]!.attemptCount, 0);
    }
    const [run] = await runDue(long, deps, { budgetMs: Number.MIN_VALUE });
    assert.equal(run!.state, "done");
  },
);

Deno.test("a chunk longer than five seconds is given up", async () => {
  await using app = await startTestApp();
  await createEffects(app.database);
  setClock(app.clock, "2026-03-01T10:00:00Z");
  const stuck = countingJob({
    afterEffect: () => new Promise((resolve) => setTimeout(resolve, 5_300)),
  });
  const [run] = await runDue(stuck, jobDepsOf(app));
  forgive(app);
  assert.equal(run!.state, "running");
  assert.match(run!.lastError!, /5000 ms/);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.deepEqual(await readEffects(app.database), []);
});

Deno.test("ticks do nothing on previews and branches, and never throw", async () => {
  for (const [timeline, runs] of [["preview/abc", 0], ["git-branch/x", 0], ["production", 1]]) {
    await using app = await startTestApp({ env: { DENO_TIMELINE: String(timeline) } });
    await createEffects(app.database);
    await tick(countingJob(), jobDepsOf(app));
    assert.equal((await readRuns(app)).length, runs, String(timeline));
  }
  await using app = await startTestApp();
  assert.equal(mayRunJobs(app), true);
  const broken = { db: undefined } as unknown as JobDeps["database"];
  await tick(countingJob(), jobDepsOf(app, { database: broken }));
  assert.equal(forgive(app)[0]!.level, "error");
});

Deno.test("every job is registered at once, and its ticks wait until the app is open", async () => {
  await using app = await startTestApp();
  await createEffects(app.database);
  const registered = new Map<string, () => unknown>();
  const cron = ((name: string, when: string, handle: () => unknown) => {
    registered.set(`${name} ${when}`, handle);
    return Promise.resolve();
  }) as typeof Deno.cron;
  const { promise, resolve } = Promise.withResolvers<JobDeps>();
  const job = countingJob();
  registerCron([job, ...jobs], promise, () => {}, cron);
  assert.equal(registered.size, jobs.length + 1);
  const ticking = registered.get("count 0 * * * *")!();
  assert.equal((await readRuns(app)).length, 0);
  resolve(jobDepsOf(app));
  await ticking;
  assert.equal((await readRuns(app)).length, 1);

  const lines: Record<string, unknown>[] = [];
  const missing = null as unknown as typeof Deno.cron;
  registerCron(jobs, promise, (line) => lines.push(line), missing);
  assert.match(String(lines[0]!.msg), /no Deno\.cron/);
});

Deno.test("deno task job runs a job by name and prints how its runs stand", async () => {
  await using app = await startTestApp();
  const deps = jobDepsOf(app);
  const lines: string[] = [];
  const run = (...args: string[]) => runJobCommand(deps, args, (line) => lines.push(line));
  for (const name of ["cleanup", "settle", "push"]) {
    await run(name);
    const printed = JSON.parse(lines.pop()!);
    assert.deepEqual([printed.job, printed.state], [name, "done"]);
    assert.equal(typeof printed.report, "object");
  }
  await run("cleanup");
  assert.equal(JSON.parse(lines.pop()!).state, "done", "run already: how that run stands");
  await run("cleanup", "--period", "2026-01-01");
  assert.equal(JSON.parse(lines.pop()!).period, "2026-01-01");
  await assert.rejects(run("nothing"), /settle\|push\|broadcast\|profit\|audit\|cleanup/);
  await assert.rejects(run(), /settle\|push\|broadcast\|profit\|audit\|cleanup/);
  await assert.rejects(run("cleanup", "--periode", "x"), /usage/);
  await assert.rejects(run("cleanup", "--period", "2999-01-01"), {
    name: "UsageError",
    message: /^not due yet: 2999-01-01\n/,
  });
  assert.equal(Deno.exitCode, 0);
});

Deno.test("cleanup keeps what missed periods are counted from, and runs of days", async () => {
  await using app = await startTestApp();
  const old = new Date(app.clock.now().getTime() - 90 * 24 * 60 * 60_000);
  const runs = [
    ["a", "2026-01-01T00Z", "done"],
    ["a", "2026-01-01T01Z", "dead"],
    ["a", "2026-01-01T02Z", "done"],
    ["b", "2026-01-01", "done"],
    ["b", "2026-01-02", "done"],
  ] as const;
  await app.database.db.insert(jobRuns).values(
    runs.map(([job, period, state]) => ({ job, period, state, createdAt: old, finishedAt: old })),
  );
  const cleanup = jobs.find(({ name }) => name === "cleanup")!;
  const [run] = await runDue(cleanup, jobDepsOf(app));
  assert.equal((run!.report as { job_runs: number }).job_runs, 1);
  const left = await app.database.db.select().from(jobRuns).where(eq(jobRuns.job, "a"));
  assert.deepEqual(left.map(({ period }) => period).sort(), ["2026-01-01T01Z", "2026-01-01T02Z"]);
  assert.equal(await app.database.db.$count(jobRuns, sql`job = 'b'`), 2);
});

Deno.test("settling goes through its steps, each until it finds less than it could take", async () => {
  await using app = await startTestApp();
  const left = [450, 0, 7];
  const steps: SettleStep[] = left.map((_, at) => ({
    name: `step_${at}`,
    settle: (_ctx, limit) => {
      const count = Math.min(limit, left[at]!);
      left[at]! -= count;
      return Promise.resolve(count);
    },
  }));
  const job: Job = {
    name: "settling",
    cron: "* * * * *",
    schedule: hourly,
    catchUp: "latest",
    chunk: (ctx, { progress }) => settleBy(steps, ctx, progress),
  };
  const [run] = await runDue(job, jobDepsOf(app));
  assert.deepEqual(run!.report, { step_0: 450, step_1: 0, step_2: 7 });
  assert.deepEqual(left, [0, 0, 0]);
});
