import { and, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { RUN_TRY_COUNT_MAX } from "../../../db/domain/jobs/rules.ts";
import { enterRuns, RUN_LEASE_MS } from "../../../db/domain/jobs/runs.ts";
import { jobRuns } from "../../../db/schema/jobs.ts";
import { operatorActions, type OperatorRole } from "../../../db/schema/operators.ts";
import { runDue } from "../../../jobs/run.ts";
import { jobs } from "../../../jobs/schedule.ts";
import {
  askOps,
  assertNeedsOperator,
  assertOpsFailure,
  callOps,
  makeOperator,
} from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { jobDepsOf, setClock } from "../../jobs/kit.ts";
import { openPatiently, startPostgres } from "../../services/postgres.ts";

const LIST = "GET /v1/jobs";
const RUN = "POST /v1/jobs/{name}/run";

/** Whoever has waited for months has to log in again. */
const freshToken = async (app: TestApp, role: OperatorRole) =>
  (await makeOperator(app.ctx, role)).token;

async function listed(app: TestApp, name: string) {
  const token = await freshToken(app, "auditor");
  const { items } = await askOps(app, LIST, { token });
  return items.find((item: { name: string }) => item.name === name);
}

const runsOf = (app: TestApp, job: string) =>
  app.ctx.db.select().from(jobRuns).where(eq(jobRuns.job, job)).orderBy(jobRuns.period);

Deno.test("GET /v1/jobs", async (t) => {
  await using app = await startTestApp();
  setClock(app.clock, "2026-03-01T10:00:10Z");
  const token = await freshToken(app, "auditor");

  await t.step("lists every job, before any has run", async () => {
    const { items } = await askOps(app, LIST, { token });
    assert.deepEqual(items.map(({ name }: { name: string }) => name), jobs.map(({ name }) => name));
    const profit = items.find(({ name }: { name: string }) => name === "profit");
    assert.deepEqual(profit, {
      name: "profit",
      schedule: "20 * * * *",
      last_run: null,
      next_run: "2026-04-01T02:00:00.000+08:00",
      missed: 1,
      dead: [],
    });
    const nextRuns = items.map((item: { name: string; next_run: string }) => [
      item.name,
      item.next_run.slice(0, 16),
    ]);
    assert.deepEqual(Object.fromEntries(nextRuns), {
      settle: "2026-03-01T18:01",
      push: "2026-03-01T18:01",
      broadcast: "2026-03-01T18:01",
      profit: "2026-04-01T02:00",
      audit: "2026-03-01T18:07",
      cleanup: "2026-03-02T04:30",
    });
  });

  await t.step("says how the newest period's run went", async () => {
    await runDue(jobs.find(({ name }) => name === "cleanup")!, jobDepsOf(app));
    const { last_run, missed } = await listed(app, "cleanup");
    const { started_at, finished_at, report, ...run } = last_run;
    assert.deepEqual(run, { period: "2026-02-28", state: "done", error: null });
    assert.deepEqual([started_at.slice(0, 16), finished_at.slice(0, 16)], [
      "2026-03-01T18:00",
      "2026-03-01T18:00",
    ]);
    assert.equal(typeof report, "object");
    assert.equal(missed, 0);
  });

  await t.step("counts missed periods one by one where each counts, else the newest", async () => {
    await runDue(jobs.find(({ name }) => name === "profit")!, jobDepsOf(app));
    assert.equal((await listed(app, "profit")).missed, 0);
    app.clock.advance(95 * 24 * 60 * 60_000);
    assert.equal((await listed(app, "profit")).missed, 3);
    assert.equal((await listed(app, "cleanup")).missed, 1);
  });

  await t.step(
    "a run that failed says why, and one given up is named and stays missed",
    async () => {
      await enterRuns(app.ctx, "profit", ["202603", "202604", "202605"]);
      await app.ctx.db.update(jobRuns).set({ state: "dead", lastError: "no rates" })
        .where(and(eq(jobRuns.job, "profit"), eq(jobRuns.period, "202603")));
      await app.ctx.db.update(jobRuns).set({ state: "done" })
        .where(and(eq(jobRuns.job, "profit"), eq(jobRuns.period, "202604")));
      await app.ctx.db.update(jobRuns).set({ lastError: "not yet" })
        .where(and(eq(jobRuns.job, "profit"), eq(jobRuns.period, "202605")));
      const { last_run, missed, dead } = await listed(app, "profit");
      assert.deepEqual([last_run.period, last_run.state, last_run.error], [
        ...["202605", "running", "not yet"],
      ]);
      assert.deepEqual([missed, dead], [2, ["202603"]]);
    },
  );

  await t.step("is for operators", () => assertNeedsOperator(app, LIST));
});

Deno.test("POST /v1/jobs/{name}/run", async (t) => {
  await using app = await startTestApp();
  setClock(app.clock, "2026-03-01T10:00:10Z");
  const { token, operatorId } = await makeOperator(app.ctx, "operator");
  const run = async (name: string, body: object = {}) =>
    await callOps(app, RUN, { token: await freshToken(app, "admin"), params: { name }, body });

  await t.step("runs the newest due period to its end, and writes down who asked", async () => {
    const { run_id, report, ...more } = await askOps(app, RUN, {
      token,
      params: { name: "profit" },
    });
    assert.deepEqual(more, { period: "202602", state: "done", error: null });
    assert.deepEqual(report, { made: 0 });
    const [row] = await runsOf(app, "profit");
    assert.equal(run_id, row!.id);
    const [action] = await app.ctx.db.select().from(operatorActions)
      .where(eq(operatorActions.target, "job:profit:202602"));
    assert.deepEqual(
      [action!.operatorId, action!.action, action!.before, action!.after],
      [operatorId, "jobs.run", null, { state: "running" }],
    );
  });

  await t.step("run again, answers the run that was, and runs nothing", async () => {
    const before = await runsOf(app, "profit");
    const { data } = await run("profit", { period: "202602" });
    assert.equal(data.run_id, before[0]!.id);
    assert.deepEqual(await runsOf(app, "profit"), before);
  });

  await t.step(
    "enters what was missed before the period asked for, where each counts",
    async () => {
      app.clock.advance(95 * 24 * 60 * 60_000);
      const { data } = await run("profit", { period: "202605" });
      assert.equal(data.state, "done");
      const runs = await runsOf(app, "profit");
      assert.deepEqual(runs.map(({ period, state }) => [period, state]), [
        ...[["202602", "done"], ["202603", "running"], ["202604", "running"], ["202605", "done"]],
      ]);
      await runDue(jobs.find(({ name }) => name === "profit")!, jobDepsOf(app));
      assert.deepEqual(
        (await runsOf(app, "profit")).map(({ state }) => state),
        Array(4).fill("done"),
      );
    },
  );

  await t.step("gives a dead run all its tries again, and says why it fails", async () => {
    const books = jobs.find(({ name }) => name === "audit")!;
    const chunk = books.chunk;
    books.chunk = () => Promise.reject(new Error("the books are away"));
    try {
      for (let tries = 0; tries < RUN_TRY_COUNT_MAX; tries++) {
        await run("audit", { period: "2026-06-01T10Z" });
        app.clock.advance(15 * 60_000);
      }
      const [dead] = await runsOf(app, "audit");
      assert.deepEqual([dead!.state, dead!.attemptCount], ["dead", RUN_TRY_COUNT_MAX]);
      const { data } = await run("audit", { period: "2026-06-01T10Z" });
      assert.deepEqual([data.state, data.error], ["running", "the books are away"]);
    } finally {
      books.chunk = chunk;
      app.logs.splice(0);
    }
    app.clock.advance(15 * 60_000);
    const { data } = await run("audit", { period: "2026-06-01T10Z" });
    assert.deepEqual([data.state, data.error], ["done", null]);
    const actions = await app.ctx.db.select().from(operatorActions)
      .where(eq(operatorActions.target, "job:audit:2026-06-01T10Z")).orderBy(operatorActions.id);
    assert.deepEqual(
      actions.map(({ before }) => (before as { state: string } | null)?.state),
      [undefined, ...Array(RUN_TRY_COUNT_MAX - 1).fill("running"), "dead", "running"],
    );
  });

  await t.step("of two operators at once, one has the run", async () => {
    app.clock.advance(24 * 60 * 60_000);
    const answers = await Promise.all([run("cleanup"), run("cleanup")]);
    assert.deepEqual(answers.map(({ http }) => http), [200, 200]);
    assert.equal(new Set(answers.map(({ data }) => data.run_id)).size, 1);
    const runs = await runsOf(app, "cleanup");
    assert.deepEqual(runs.map(({ state, fence }) => [state, fence]), [["done", 1]]);
  });

  await t.step("a run that somebody works on is answered as it stands", async () => {
    app.clock.advance(24 * 60 * 60_000);
    const { name, schedule } = jobs.find(({ name }) => name === "cleanup")!;
    assert.equal(schedule.unit, "day");
    const period = new Date(app.clock.now().getTime() - 24 * 60 * 60_000).toISOString()
      .slice(0, 10);
    await enterRuns(app.ctx, name, [period]);
    const leaseUntil = new Date(app.clock.now().getTime() + RUN_LEASE_MS);
    await app.ctx.db.update(jobRuns).set({ leaseUntil }).where(eq(jobRuns.period, period));
    const { data } = await run(name, { period });
    assert.deepEqual([data.state, data.report], ["running", null]);
  });

  await t.step(
    "refuses jobs that are not there, and periods that are not due or none",
    async () => {
      const missing = { http: 404, code: 4004, msg: "请求资源不存在" };
      assertOpsFailure(await run("nothing"), missing);
      const before = await app.ctx.db.$count(jobRuns);
      for (const period of ["209901", "202613", "2026-01", "", "x".repeat(40), 202601]) {
        assertOpsFailure(await run("profit", { period }), { http: 400, code: 4001 });
      }
      assert.equal(await app.ctx.db.$count(jobRuns), before);
    },
  );

  await t.step(
    "is for operators, not for auditors",
    () =>
      assertNeedsOperator(app, RUN, {
        params: { name: "cleanup" },
        body: {},
        refused: ["auditor"],
      }),
  );
});

const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

Deno.test({
  name: "pg: of eight operators at once one has the run, and each is written down",
  ignore: !postgres,
  async fn() {
    const database = openPatiently(await postgres!.newDatabase());
    await using app = await startTestApp({ database });
    const answers = await Promise.all(Array.from({ length: 8 }, async () => {
      const token = await freshToken(app, "operator");
      return await askOps(app, RUN, { token, params: { name: "profit" }, body: {} });
    }));
    assert.equal(new Set(answers.map(({ run_id }) => run_id)).size, 1);
    const runs = await runsOf(app, "profit");
    assert.deepEqual(runs.map(({ state, fence }) => [state, fence]), [["done", 1]]);
    const actions = await app.ctx.db.select().from(operatorActions);
    assert.equal(actions.length, 8);
    assert.equal(actions.filter(({ before }) => before === null).length, 1, "one entered it");
    await database.close();
  },
});
