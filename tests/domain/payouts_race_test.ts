import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Config } from "../../config/config.ts";
import { type Ctx, withTx } from "../../db/client/ctx.ts";
import { enterRuns } from "../../db/domain/jobs/runs.ts";
import { auditLedger } from "../../db/domain/ledger/audit.ts";
import type { OpsActor } from "../../db/domain/operators/actor.ts";
import { applyResults } from "../../db/domain/payouts/apply_results.ts";
import { awaitPayments, holdMonthsOpen } from "../../db/domain/payouts/close_month.ts";
import { makeRecords } from "../../db/domain/payouts/make_records.ts";
import { PROFIT_JOB } from "../../db/domain/payouts/months.ts";
import { recordPayments } from "../../db/domain/payouts/record_payments.ts";
import { setResult } from "../../db/domain/payouts/set_result.ts";
import { operatorActions, operators } from "../../db/schema/operators.ts";
import { profitRecords, subscriptionPayments } from "../../db/schema/payouts.ts";
import { makeGroup } from "../people/factories.ts";
import { startPostgres, type TestPostgres } from "../services/postgres.ts";
import { openPlace, type Person, race } from "./race_place.ts";

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());
const ignore = !postgres;

const PERIOD = "202102";

const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));
const shuffled = <T>(things: T[]) =>
  things.map((thing) => ({ thing, at: Math.random() })).sort((a, b) => a.at - b.at)
    .map(({ thing }) => thing);

/** A place with a group of all and an operator. */
async function openOffice(postgres: TestPostgres, peopleCount: number) {
  const place = await openPlace(postgres, { peopleCount });
  const ctx: Ctx = { ...place.ctx, requestId: "race", config: {} as Config };
  const [operator] = await ctx.db.insert(operators)
    .values({ name: "O", role: "operator", createdAt: ctx.now() }).returning();
  const actor: OpsActor = {
    kind: "operator",
    operatorId: operator!.id,
    name: "O",
    role: "operator",
    jti: "j",
  };
  const group = await makeGroup(ctx, place.people.map(({ userId }) => ({ id: userId })));
  return {
    ctx,
    actor,
    groupId: group.id,
    people: place.people,
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

const paymentOf = ({ uid }: Person, traceId: string, amount = "1") => ({
  traceId,
  uid,
  inviterUid: undefined,
  amount,
  paidAt: new Date("2021-02-03T00:00:00Z"),
});

/** Closes a month and works it out, as the job's chunks do. */
async function closeMonth(ctx: Ctx, period: string) {
  await enterRuns(ctx, PROFIT_JOB, [period]);
  await withTx(ctx, awaitPayments);
  await withTx(ctx, (tx) => makeRecords(tx, { period, after: undefined, limit: 1_000 }));
}

Deno.test({
  name: "payments that come while their month is being closed are each counted in one month",
  ignore,
}, async () => {
  for (let round = 0; round < 3; round++) {
    await using office = await openOffice(postgres!, 5);
    const { ctx, actor, groupId, people } = office;
    const told = times(200, (at) => async () => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
      const payment = paymentOf(people[at % 5]!, `t-${at}`);
      await recordPayments(ctx, { actor, groupId, payments: [payment] });
    });
    const closing = async () => {
      await new Promise((resolve) => setTimeout(resolve, 30 + Math.random() * 40));
      await closeMonth(ctx, PERIOD);
    };
    await Promise.all([closing(), ...told.map((tell) => tell())]);
    const inFebruary = await ctx.db.$count(subscriptionPayments, sql`period = ${PERIOD}`);
    const inMarch = await ctx.db.$count(subscriptionPayments, sql`period = '202103'`);
    assert.equal(inFebruary + inMarch, 200);
    assert.ok(inFebruary > 0 && inMarch > 0, `${inFebruary} before, ${inMarch} after`);
    await closeMonth(ctx, "202103");
    const rows = await ctx.db.select().from(profitRecords);
    const paid = new Map(rows.map(({ period, amount }) => [period, Number(amount)]));
    const share = (count: number) => Math.round(count * 7) / 10;
    assert.deepEqual(paid, new Map([[PERIOD, share(inFebruary)], ["202103", share(inMarch)]]));
  }
});

Deno.test({
  name: "a month is not worked out before payments that were being entered are in",
  ignore,
}, async () => {
  await using office = await openOffice(postgres!, 1);
  const { ctx, actor, groupId, people: [toby] } = office;
  let isClosed = false;
  let closing: Promise<void> | undefined;
  await withTx(ctx, async (tx) => {
    await recordPayments(tx, { actor, groupId, payments: [paymentOf(toby!, "slow", "10")] });
    closing = closeMonth(ctx, PERIOD).then(() => void (isClosed = true));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(isClosed, false);
    // Neither waits for the other kind twice: who holds months open may go on entering.
    await holdMonthsOpen(tx);
  });
  await closing;
  const [row] = await ctx.db.select().from(profitRecords);
  assert.equal(Number(row!.amount), 7);
});

Deno.test({
  name: "one payment told by many at once is one, and of two that differ one is refused",
  ignore,
}, async () => {
  await using office = await openOffice(postgres!, 2);
  const { ctx, actor, groupId, people: [toby, anna] } = office;
  const same = await Promise.all(times(30, () => {
    const payments = shuffled(times(10, (at) => paymentOf(toby!, `same-${at}`)));
    return recordPayments(ctx, { actor, groupId, payments });
  }));
  assert.equal(same.reduce((sum, { acceptedCount }) => sum + acceptedCount, 0), 10);
  assert.equal(await ctx.db.$count(subscriptionPayments), 10);

  for (let at = 0; at < 20; at++) {
    const traceId = `differing-${at}`;
    const answers = await race(
      ["operation_conflict"],
      [
        ...times(3, () => paymentOf(toby!, traceId, "1")),
        ...times(3, () => paymentOf(anna!, traceId, "1")),
        ...times(3, () => paymentOf(toby!, traceId, "2")),
      ].map((payment) => () => recordPayments(ctx, { actor, groupId, payments: [payment] })),
    );
    assert.equal(answers.filter((answer) => answer === "done").length, 3);
  }
  assert.equal(await ctx.db.$count(operatorActions), await enteringCalls(ctx));
});

/** Calls that entered something; they may share ten payments among them. */
async function enteringCalls(ctx: Ctx): Promise<number> {
  const { rows } = await ctx.db.execute<{ sum: string; count: string }>(sql`
    select sum((after->>'accepted')::int)::text as sum, count(*)::text as count
    from operator_actions`);
  assert.equal(Number(rows[0]!.sum), await ctx.db.$count(subscriptionPayments));
  return Number(rows[0]!.count);
}

Deno.test({
  name: "results from files and operators at once leave each record paid once, and never unpaid",
  ignore,
}, async () => {
  await using office = await openOffice(postgres!, 100);
  const { ctx, actor, groupId, people } = office;
  const now = ctx.now();
  const serials = times(100, (at) => `00000000-0000-5000-8000-${String(at).padStart(12, "0")}`);
  await ctx.db.insert(profitRecords).values(
    serials.map((serialId, at) => ({
      serialId,
      period: PERIOD,
      groupId,
      userId: people[at]!.userId,
      amount: "1",
      category: "Inviter" as const,
      state: "init" as const,
      createdAt: now,
      updatedAt: now,
    })),
  );
  const fileOf = (state: "claimed" | "error", description: string) => async () => {
    const results = shuffled(serials).map((serialId, line) => ({
      line,
      serialId,
      state,
      description,
    }));
    return await applyResults(ctx, { actor, scope: null, results });
  };
  const operatorSets = (serialId: string, state: "claimed" | "error") => () =>
    setResult(ctx, { serialId, state, description: "x", actor, scope: null, isFull: false }).then(
      () => [],
    );
  const outcomes = await Promise.all(
    shuffled([
      ...times(8, (at) => fileOf("claimed", `成功${at}`)),
      ...times(8, (at) => fileOf("error", `退票${at}`)),
      ...serials.map((serialId) => operatorSets(serialId, "claimed")),
      ...serials.map((serialId) => operatorSets(serialId, "error")),
    ]).map((run) =>
      run().catch((error) => {
        if (error.kind !== "profit_claimed") throw error;
        return [];
      })
    ),
  );
  assert.ok(outcomes.flat().includes("refused"));
  assert.equal(await ctx.db.$count(profitRecords, sql`state = 'claimed'`), 100);
  const { rows } = await ctx.db.execute<{ serial_id: string; count: string }>(sql`
    select serial_id, count(*)::text as count from (
      select jsonb_array_elements_text(after->'claimed') as serial_id from operator_actions
      where action = 'profits.feedback_rows'
      union all
      select substr(target, 8) from operator_actions
      where action = 'profits.set_result' and after->>'state' = 'claimed'
    ) as claimed group by serial_id`);
  assert.deepEqual(rows.map(({ count }) => count), times(100, () => "1"));
  assert.deepEqual((await auditLedger(ctx)).filter(({ violations }) => violations > 0), []);
});
