import assert from "node:assert/strict";
import { auditLedger } from "../../../db/domain/ledger/audit.ts";
import type { OpsActor } from "../../../db/domain/operators/actor.ts";
import { confirmRecharge } from "../../../db/domain/wallet/confirm_recharge.ts";
import { decideWithdrawal } from "../../../db/domain/wallet/decide_withdrawal.ts";
import { createRecharge } from "../../../db/domain/wallet/recharge.ts";
import { withdrawals } from "../../../db/schema/ledger.ts";
import { operatorActions, operators } from "../../../db/schema/operators.ts";
import { openPlace, race } from "../../domain/race_place.ts";
import { balanceOf, walletOf } from "../../people/money.ts";
import { startPostgres, type TestPostgres } from "../../services/postgres.ts";
import { askForWithdrawal, makePayee } from "./withdrawing_people.ts";

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());
const ignore = !postgres;

const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));

/** A place with ten operators. */
async function openOffice(postgres: TestPostgres) {
  const place = await openPlace(postgres, { peopleCount: 1 });
  const ctx = { ...place.ctx, requestId: "race" };
  const rows = await ctx.db.insert(operators)
    .values(
      times(10, (at) => ({ name: `O${at}`, role: "operator" as const, createdAt: ctx.now() })),
    )
    .returning();
  const actors = rows.map(({ id, name, role }): OpsActor => ({
    kind: "operator",
    operatorId: id,
    name,
    role,
    jti: "j",
  }));
  return {
    ctx,
    actors,
    people: place.people,
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

Deno.test({
  name: "operators who decide on withdrawals at once, either way, decide each once",
  ignore,
}, async () => {
  await using office = await openOffice(postgres!);
  const { ctx, actors } = office;
  const payee = await makePayee(ctx, 100_000);
  const numbers: string[] = [];
  for (let at = 0; at < 50; at++) numbers.push(await askForWithdrawal(ctx, payee, 100 + at));
  const held = numbers.reduce((sum, _, at) => sum + 100 + at, 0);
  const answers = await race(
    ["withdrawal_decided"],
    numbers.flatMap((withdrawalNo) =>
      actors.map((actor, at) => async () => {
        const state = at % 2 === 0 ? "paid" as const : "rejected" as const;
        const decided = await decideWithdrawal(ctx, { withdrawalNo, state, reason: "", actor });
        assert.equal(decided.state, state);
      })
    ).sort(() => Math.random() - 0.5),
  );
  // Whichever way it went, half of the operators wanted the other.
  assert.equal(answers.filter((answer) => answer === "withdrawal_decided").length, 50 * 5);
  assert.equal(await ctx.db.$count(operatorActions), 50);
  assert.equal(await balanceOf(ctx, "withdrawal", payee.userId), 0);
  const rows = await ctx.db.select().from(withdrawals);
  const paid = rows.filter(({ state }) => state === "paid")
    .reduce((sum, { amount }) => sum + amount, 0);
  assert.ok(paid > 0 && paid < held, "the race went both ways");
  assert.equal(await balanceOf(ctx, "payout", payee.userId), paid);
  assert.equal(await walletOf(ctx, payee), 100_000 - paid);
  assert.deepEqual((await auditLedger(ctx)).filter(({ violations }) => violations > 0), []);
});

Deno.test({ name: "a recharge confirmed 200 times at once is credited once", ignore }, async () => {
  await using office = await openOffice(postgres!);
  const { ctx, actors, people: [toby] } = office;
  const rechargeNo = await createRecharge(ctx, {
    userId: toby!.userId,
    amount: 900,
    channelType: 1,
    isCreditedAtOnce: false,
    operationKey: undefined,
  });
  const records = await Promise.all(
    times(200, (at) => confirmRecharge(ctx, { rechargeNo, actor: actors[at % 10]! })),
  );
  for (const record of records) assert.deepEqual(record, records[0]);
  assert.equal(await walletOf(ctx, toby!), 900);
  assert.equal(await ctx.db.$count(operatorActions), 1);
});
