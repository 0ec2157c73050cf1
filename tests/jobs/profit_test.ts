import { asc, eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { runJobCommand } from "../../commands/run_job.ts";
import { randomHex32 } from "../../config/keys.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { claimRun, commitChunk, enterRuns, RUN_LEASE_MS } from "../../db/domain/jobs/runs.ts";
import { auditLedger } from "../../db/domain/ledger/audit.ts";
import { PROFIT_JOB } from "../../db/domain/payouts/months.ts";
import { recordPayments } from "../../db/domain/payouts/record_payments.ts";
import { serialIdOf } from "../../db/domain/payouts/serial_id.ts";
import { groups, GroupStatus } from "../../db/schema/groups.ts";
import { jobRuns } from "../../db/schema/jobs.ts";
import { profitCounts, profitRecords } from "../../db/schema/payouts.ts";
import { paymentMethods } from "../../db/schema/people.ts";
import { profitBy } from "../../jobs/profit.ts";
import { type Job, runDue } from "../../jobs/run.ts";
import { jobs } from "../../jobs/schedule.ts";
import { makeOpsKey } from "../clients/ops.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { makeGroup, makeUser, makeUsers } from "../people/factories.ts";
import { giveCard, giveRealName, makePaidPerson } from "../routes/ops/profit_place.ts";
import { openPatiently, startPostgres } from "../services/postgres.ts";
import { jobDepsOf, setClock } from "./kit.ts";

const PERIOD = "202102";
const profitJob = jobs.find(({ name }) => name === PROFIT_JOB)!;
/** The same job in chunks of so many records. */
const profitOf = (recordCount: number): Job => ({
  ...profitJob,
  chunk: (ctx, input) => profitBy(recordCount, ctx, input),
});

interface Told {
  uid: string;
  inviterUid?: string;
  amount: string;
  paidAt?: string;
}

async function tell(ctx: Ctx, groupId: number, payments: Told[]) {
  const { keyId } = await makeOpsKey(ctx);
  const actor = { kind: "key", keyId, name: "script", groupIds: null } as const;
  return await recordPayments(ctx, {
    actor,
    groupId,
    payments: payments.map(({ inviterUid, paidAt = "2021-02-03T10:00:00+08:00", ...payment }) => ({
      ...payment,
      inviterUid,
      traceId: randomHex32(),
      paidAt: new Date(paidAt),
    })),
  });
}

const rowsOf = ({ ctx }: Pick<TestApp, "ctx">) =>
  ctx.db.select().from(profitRecords).orderBy(asc(profitRecords.serialId));
/** What is to be paid, for comparing. */
const sharesOf = async (app: Pick<TestApp, "ctx">) =>
  (await rowsOf(app)).map(({ groupId, category, userId, amount, state }) =>
    [groupId, category, userId, Number(amount), state].join(" ")
  ).sort();
async function run(app: TestApp, job = profitJob, period = PERIOD) {
  const [state] = await runDue(job, jobDepsOf(app), { period });
  return state!;
}

let mobile = 13_500_000_000;
const makePayee = (ctx: Ctx) => {
  mobile++;
  return makePaidPerson(ctx, {
    mobile: String(mobile),
    idNo: `310225${mobile}0`,
    card: `62258${mobile}`,
  });
};

Deno.test("a month's profits", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const [owner, inviter, poor] = [
    ...[await makePayee(ctx), await makePayee(ctx), await makeUser(ctx)],
  ];
  const payers = await makeUsers(ctx, 3);
  const group = await makeGroup(ctx, [owner!, ...payers]);
  const [first, second, third] = payers.map(({ uid }) => uid) as [string, string, string];

  await t.step(
    "are the owner's share of all, and each inviter's of what theirs have paid",
    async () => {
      await tell(ctx, group.id, [
        { uid: first, inviterUid: inviter!.uid, amount: "0.6751" },
        { uid: second, inviterUid: inviter!.uid, amount: "0.0004" },
        { uid: third, inviterUid: poor!.uid, amount: "7054.0379" },
        { uid: third, amount: "100" },
        // Of the months before and after, in China.
        { uid: first, amount: "1000", paidAt: "2021-01-31T23:59:59.999+08:00" },
        { uid: first, amount: "1000", paidAt: "2021-03-01T00:00:00+08:00" },
      ]);
      const state = await run(app);
      assert.deepEqual(state, {
        period: PERIOD,
        state: "done",
        report: { made: 3 },
        lastError: null,
      });
      // 7154.7134 × 0.7 = 5008.29938; 0.6755 × 0.1 = 0.06755, a half, to the even 0.0676.
      assert.deepEqual(
        await sharesOf(app),
        [
          `${group.id} Group ${owner!.id} 5008.2994 init`,
          `${group.id} Inviter ${inviter!.id} 0.0676 init`,
          `${group.id} Inviter ${poor!.id} 705.4038 error`,
        ].sort(),
      );
    },
  );

  await t.step("have names of their own that never change", async () => {
    for (const { serialId, groupId, userId, category, period } of await rowsOf(app)) {
      assert.equal(serialId, serialIdOf({ period, groupId, category, userId }));
    }
  });

  await t.step(
    "wait in error, without a word of whose, where there is nothing to pay to",
    async () => {
      const [row] = (await rowsOf(app)).filter(({ state }) => state === "error");
      assert.equal(row!.description, "bank account not found");
      const others = (await rowsOf(app)).filter(({ state }) => state === "init");
      assert.deepEqual(others.map(({ description }) => description), ["", ""]);
    },
  );

  await t.step(
    "are worked out once: run again, and again from the start, nothing changes",
    async () => {
      const before = await rowsOf(app);
      await run(app);
      // As if the run had never been: with other rates, another owner, a card for who had none.
      await ctx.db.update(groups).set({
        ownerRate: "0.5",
        inviterRate: "0.5",
        ownerId: payers[2]!.id,
      })
        .where(eq(groups.id, group.id));
      await giveRealName(ctx, poor!.id, "张三", "110101199003078888");
      await giveCard(ctx, poor!.id, "6222021234567890");
      await ctx.db.delete(jobRuns);
      assert.deepEqual((await run(app)).report, { made: 0 });
      assert.deepEqual(await rowsOf(app), before);
    },
  );

  await t.step("are those of a month alone", async () => {
    await run(app, profitJob, "202103");
    const [row, ...more] = (await rowsOf(app)).filter(({ period }) => period === "202103");
    assert.deepEqual([row!.userId, Number(row!.amount), more], [payers[2]!.id, 500, []]);
  });
});

Deno.test("whose profits wait, and who has none", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const payer = await makeUser(ctx);
  const paidTo = async (over: Partial<typeof groups.$inferInsert>, amount = "100") => {
    const owner = await makePayee(ctx);
    const group = await makeGroup(ctx, [owner, payer], over);
    await tell(ctx, group.id, [{ uid: payer.uid, inviterUid: payer.uid, amount }]);
    return { owner, group };
  };
  const stopped = await paidTo({ status: GroupStatus.stopped });
  const disbanded = await paidTo({});
  await ctx.db.update(groups).set({ disbandedAt: ctx.now() })
    .where(eq(groups.id, disbanded.group.id));
  const ownerless = await paidTo({});
  await ctx.db.update(groups).set({ ownerId: null }).where(eq(groups.id, ownerless.group.id));
  const noneForInviters = await paidTo({ inviterRate: "0" });
  const next = await paidTo({}, "0.0001");
  const whole = await paidTo({ ownerRate: "1", inviterRate: "0.0001" }, "0.5");
  const unpaid = await makeGroup(ctx, [await makePayee(ctx), payer]);

  // Groups without a record are passed over at any place, also at a chunk's end.
  for (const recordCount of [1, 2, 100]) {
    await t.step(`in chunks of ${recordCount}`, async () => {
      await ctx.db.execute(sql`truncate profit_records, profit_counts, job_runs`);
      assert.equal((await run(app, profitOf(recordCount))).state, "done");
      assert.deepEqual(
        await sharesOf(app),
        [
          `${ownerless.group.id} Inviter ${payer.id} 10 error`,
          `${noneForInviters.group.id} Group ${noneForInviters.owner.id} 70 init`,
          `${next.group.id} Group ${next.owner.id} 0.0001 init`,
          `${whole.group.id} Group ${whole.owner.id} 0.5 init`,
        ].sort(),
        "0.5 × 0.0001 and 0.0001 × 0.1 are nothing",
      );
      const groupIds = (await rowsOf(app)).map(({ groupId }) => groupId);
      for (const { id } of [stopped.group, disbanded.group, unpaid]) {
        assert.ok(!groupIds.includes(id));
      }
    });
  }

  await t.step("a card that was removed or may not be used is none", async () => {
    for (const change of [{ removedAt: ctx.now() }, { status: 0 }]) {
      await ctx.db.execute(sql`truncate profit_records, profit_counts, job_runs`);
      await ctx.db.update(paymentMethods).set({ removedAt: null, status: 1 });
      await ctx.db.update(paymentMethods).set(change)
        .where(eq(paymentMethods.userId, whole.owner.id));
      await run(app);
      const states = new Map((await rowsOf(app)).map(({ userId, state }) => [userId, state]));
      assert.equal(states.get(whole.owner.id), "error");
      assert.equal(states.get(next.owner.id), "init");
    }
  });

  await t.step("a month without payments is done, with no records", async () => {
    assert.deepEqual((await run(app, profitJob, "202001")).report, { made: 0 });
  });
});

/** Groups whose owners and inviters have records that fill several chunks. */
async function makeCrowd(ctx: Ctx): Promise<number> {
  const people = await makeUsers(ctx, 12);
  for (let at = 0; at < 4; at++) {
    const group = await makeGroup(ctx, people.slice(at));
    await tell(
      ctx,
      group.id,
      people.slice(4).map(({ uid }, place) => ({
        uid,
        inviterUid: people[(place + at) % 7]!.uid,
        amount: `${place + 1}.${at + 1}`,
      })),
    );
  }
  return 4 * (1 + 7);
}

Deno.test("a run that dies at any chunk's end, or within one, makes the same records", async (t) => {
  await using whole = await startTestApp();
  const recordCount = await makeCrowd(whole.ctx);
  await run(whole);
  const expected = await sharesOf(whole);
  assert.equal(expected.length, recordCount);
  const chunkSize = 5;
  const chunkCount = 1 + Math.floor(recordCount / chunkSize) + 1;

  for (const how of ["throws", "is killed"] as const) {
    for (let crashAt = 0; crashAt <= chunkCount; crashAt++) {
      await t.step(`${how} at chunk ${crashAt}`, async () => {
        await using app = await startTestApp();
        await makeCrowd(app.ctx);
        setClock(app.clock, "2021-03-05T00:00:00Z");
        const job = profitOf(chunkSize);
        let count = 0;
        if (how === "throws") {
          const dying: Job = {
            ...job,
            async chunk(ctx, input) {
              const step = await job.chunk(ctx, input);
              if (count++ === crashAt) throw new Error("no");
              return step;
            },
          };
          await run(app, dying);
          app.logs.splice(0);
        } else {
          // Whoever is killed neither fails the run nor gives it back.
          await enterRuns(app.ctx, PROFIT_JOB, [PERIOD]);
          let claimed = (await claimRun(app.ctx, { job: PROFIT_JOB, period: PERIOD }))!;
          for (let isLast = false; count < crashAt && !isLast; count++) {
            const input = { ...claimed, providers: app.providers };
            const step = await commitChunk(app.ctx, claimed, (tx) => job.chunk(tx, input));
            isLast = step.isLast;
            claimed = { ...claimed, progress: step.progress };
          }
        }
        app.clock.advance(RUN_LEASE_MS + 60_000);
        assert.equal((await run(app, job)).state, "done");
        assert.deepEqual(await sharesOf(app).then(withoutIds), withoutIds(expected));
        const [counted] = await app.ctx.db
          .select({ sum: sql<string>`sum(${profitCounts.count})` }).from(profitCounts);
        assert.equal(Number(counted!.sum), recordCount);
      });
    }
  }
});

/** Ids of one database's rows are another's. */
const withoutIds = (shares: string[]) =>
  shares.map((share) => share.split(" ").filter((_, at) => at !== 0 && at !== 2).join(" ")).sort();

Deno.test("an owner who changes between two chunks does not make a second share", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const [old, payer, heir] = await makeUsers(ctx, 3);
  const group = await makeGroup(ctx, [old!, payer!, heir!]);
  await tell(ctx, group.id, [{ uid: payer!.uid, amount: "100" }]);
  const job = profitOf(1);
  await runDue(job, jobDepsOf(app), { period: PERIOD, budgetMs: Number.MIN_VALUE });
  await runDue(job, jobDepsOf(app), { period: PERIOD, budgetMs: Number.MIN_VALUE });
  assert.equal((await rowsOf(app)).length, 1, "the first share is made, and the run goes on");
  await ctx.db.update(groups).set({ ownerId: heir!.id }).where(eq(groups.id, group.id));
  assert.equal((await run(app, job)).state, "done");
  assert.deepEqual((await rowsOf(app)).map(({ userId }) => userId), [old!.id]);
});

Deno.test("the newest month that is over is due two hours later, and each missed one", async () => {
  await using app = await startTestApp();
  const deps = jobDepsOf(app);
  const periods = async () => (await runDue(profitJob, deps)).map(({ period }) => period);
  setClock(app.clock, "2027-02-28T17:59:00Z");
  assert.deepEqual(await periods(), ["202701"]);
  setClock(app.clock, "2027-02-28T18:01:00Z");
  assert.deepEqual(await periods(), ["202702"]);
  setClock(app.clock, "2027-05-31T18:01:00Z");
  assert.deepEqual(await periods(), ["202703", "202704", "202705"]);
  assert.deepEqual(await periods(), []);
});

Deno.test("deno task job profit --period 202102 works out that month, and refuses others", async () => {
  await using app = await startTestApp();
  const owner = await makePayee(app.ctx);
  const payer = await makeUser(app.ctx);
  const group = await makeGroup(app.ctx, [owner, payer]);
  await tell(app.ctx, group.id, [{ uid: payer.uid, amount: "100" }]);
  const lines: string[] = [];
  const deps = jobDepsOf(app);
  for (let at = 0; at < 2; at++) {
    await runJobCommand(deps, ["profit", "--period", PERIOD], (line) => lines.push(line));
  }
  const done = {
    job: "profit",
    period: PERIOD,
    state: "done",
    report: { made: 1 },
    lastError: null,
  };
  assert.deepEqual(lines.map((line) => JSON.parse(line)), [done, done]);
  assert.equal((await rowsOf(app)).length, 1);
  const months = ["2021-02", "202113", "20212", app.clock.now().toISOString().slice(0, 7)];
  for (const month of months) {
    await assert.rejects(
      runJobCommand(deps, ["profit", "--period", month], () => {}),
      /period|due/,
    );
  }
});

Deno.test("the hourly audit sees payouts that went astray", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const [one, other] = await makeUsers(ctx, 2);
  const group = await makeGroup(ctx, [one!]);
  const insert = (serial: number, userId: number, over = sql`'init'`) =>
    ctx.db.execute(sql`insert into profit_records values (
      ${`00000000-0000-5000-8000-00000000000${serial}`}, ${PERIOD}, ${group.id}, ${userId}, 'Group',
      1, ${over}, '', now(), now())`);
  const broken = async () =>
    (await auditLedger(ctx)).filter(({ violations }) => violations > 0)
      .map(({ invariant, rule }) => `${invariant} ${rule}`);
  await insert(1, one!.id);
  assert.deepEqual(await broken(), []);
  await insert(2, other!.id);
  assert.deepEqual(await broken(), [
    "M10 a group's month has one owner's share, and one of each inviter",
  ]);
  await ctx.db.execute(sql`truncate profit_records`);
  assert.deepEqual(await broken(), ["M10 the counters of payouts count them"]);
  await ctx.db.execute(sql`truncate profit_counts`);
  await insert(1, one!.id, sql`'paid'`);
  assert.deepEqual(await broken(), ["M10 payouts are of known states, and of more than nothing"]);
  await ctx.db.execute(sql`truncate profit_records, profit_counts`);
  await ctx.db.execute(sql`alter table profit_records disable trigger profit_records_edges`);
  assert.deepEqual(await broken(), [
    "M10 the triggers that keep payouts on their way and counted are in force",
  ]);
  await ctx.db.execute(sql`alter table profit_records enable trigger profit_records_edges`);
});

const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

Deno.test({
  name: "pg: two runners at once make each record once",
  ignore: !postgres,
  async fn() {
    const database = openPatiently(await postgres!.newDatabase());
    try {
      await using app = await startTestApp({ database });
      const recordCount = await makeCrowd(app.ctx);
      const job = profitOf(3);
      await Promise.all(Array.from({ length: 4 }, () => run(app, job)));
      assert.equal((await run(app, job)).state, "done");
      assert.equal((await rowsOf(app)).length, recordCount);
    } finally {
      await database.close();
    }
  },
});
