import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { type Ctx, withTx } from "../../db/client/ctx.ts";
import { placeFriendship } from "../../db/domain/friends/pair.ts";
import { refundExpiredTransfers } from "../../db/domain/transfers/expire.ts";
import { readTransfer } from "../../db/domain/transfers/reads.ts";
import { receiveTransfer } from "../../db/domain/transfers/receive.ts";
import { WAITING_LIFE_MS } from "../../db/domain/transfers/rules.ts";
import { sendTransfer } from "../../db/domain/transfers/send.ts";
import { settleSteps } from "../../jobs/settle.ts";
import { assertBooks, giveMoney, issuePayToken, walletOf } from "../people/money.ts";
import { startPostgres } from "../services/postgres.ts";
import { sized } from "../size.ts";
import { openPlace, type Person, race } from "./race_place.ts";

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());
const ignore = !postgres;

const GIVEN = 1_000_000;
const CALL_COUNT = sized({ suite: 200, full: 500 });
const TRANSFER_COUNT = sized({ suite: 400, full: 2_000 });
/** Of the transfers two settlers give back, 25 each. */
const BATCH_COUNT = sized({ suite: 6, full: 20 });

const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));
const countOf = (answers: string[], answer: string) => answers.filter((it) => it === answer).length;

/** Two friends with money, and a clock that stands. */
async function openFriends() {
  const madeAt = new Date();
  const place = await openPlace(postgres!, { peopleCount: 2, now: () => madeAt });
  const { ctx, people } = place;
  const [one, other] = people as [Person, Person];
  await withTx(ctx, (ctx) => placeFriendship(ctx, [one.userId, other.userId]));
  for (const person of people) await giveMoney(ctx, person, GIVEN);
  const expiresMs = madeAt.getTime() + WAITING_LIFE_MS;
  return {
    ctx,
    people,
    one,
    other,
    early: { ...ctx, now: () => new Date(expiresMs - 1) },
    late: { ...ctx, now: () => new Date(expiresMs) },
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

const tokenFor = (ctx: Ctx, who: Person, amount: number) =>
  issuePayToken(ctx, who, { item: "transfer", amount });

const send = (ctx: Ctx, from: Person, to: Person, payToken: string, amount: number) =>
  sendTransfer(ctx, { userId: from.userId, payToken, amount, toUid: to.uid, remark: "" });

async function sendNew(ctx: Ctx, from: Person, to: Person, amount: number): Promise<string> {
  return await send(ctx, from, to, await tokenFor(ctx, from, amount), amount);
}

const rowCount = async ({ db }: Ctx, from: ReturnType<typeof sql>) =>
  Number((await db.execute<{ count: string }>(sql`select count(*) ${from}`)).rows[0]!.count);

Deno.test({
  name: `${CALL_COUNT} parallel POST /transfers with one pay token send once and answer the same`,
  ignore,
}, async () => {
  await using place = await openFriends();
  const { ctx, people, one, other } = place;
  const payToken = await tokenFor(ctx, one, 300);
  const answered = new Set<string>();
  await race(
    [],
    times(CALL_COUNT, () => async () => {
      answered.add(await send(ctx, one, other, payToken, 300));
    }),
  );
  assert.equal(answered.size, 1);
  assert.equal(await rowCount(ctx, sql`from transfers`), 1);
  assert.equal(await rowCount(ctx, sql`from messages`), 1);
  assert.equal(await walletOf(ctx, one), GIVEN - 300);
  await assertBooks(ctx, { people, sum: 2 * GIVEN - 300 });
});

Deno.test({
  name: "parallel sends that need more than there is never overdraw, and those that fit all happen",
  ignore,
}, async () => {
  await using place = await openFriends();
  const { ctx, people, one, other } = place;
  const amount = GIVEN / 10;
  const tokens = await Promise.all(times(30, () => tokenFor(ctx, one, amount)));
  const answers = await race(
    ["balance_insufficient"],
    tokens.map((token) => () => send(ctx, one, other, token, amount)),
  );
  assert.equal(countOf(answers, "done"), 10);
  assert.equal(await walletOf(ctx, one), 0);
  await assertBooks(ctx, { people, sum: GIVEN });
});

Deno.test({
  name:
    `${TRANSFER_COUNT} transfers of two people to each other at once, each received, end where they must`,
  ignore,
}, async () => {
  await using place = await openFriends();
  const { ctx, people, one, other } = place;
  const plan = times(TRANSFER_COUNT, (at) => ({
    ...(at % 2 === 0 ? { from: one, to: other } : { from: other, to: one }),
    amount: 1 + at % 7,
  }));
  const tokens = await Promise.all(plan.map(({ from, amount }) => tokenFor(ctx, from, amount)));
  await race(
    [],
    plan.map(({ from, to, amount }, at) => async () => {
      const no = await send(ctx, from, to, tokens[at]!, amount);
      await receiveTransfer(ctx, { no, userId: to.userId });
    }),
  );
  const gained = plan.reduce((sum, { to, amount }) => sum + (to === one ? amount : -amount), 0);
  assert.equal(await walletOf(ctx, one), GIVEN + gained);
  assert.equal(await walletOf(ctx, other), GIVEN - gained);
  assert.equal(await rowCount(ctx, sql`from transfers where state = 'received'`), TRANSFER_COUNT);
  await assertBooks(ctx, { people, sum: 2 * GIVEN });
});

Deno.test({
  name: `${
    25 * BATCH_COUNT
  } transfers, received in the moment two settlers give them back, go one way, once`,
  ignore,
}, async () => {
  const [batches, perBatch] = [BATCH_COUNT, 25];
  await using place = await openFriends();
  const { ctx, people, one, other, early, late } = place;
  let received = 0;
  for (let batch = 0; batch < batches; batch++) {
    const numbers: string[] = [];
    for (let at = 0; at < perBatch; at++) numbers.push(await sendNew(ctx, one, other, 100));
    let refunded = 0;
    const settler = async () => {
      for (let turn = 0; turn < perBatch; turn++) {
        const count = await refundExpiredTransfers(late, { limit: 2 });
        refunded += count;
      }
    };
    const [, , ...answers] = await race(["transfer_expired"], [
      settler,
      settler,
      ...numbers.map((no) => () => receiveTransfer(early, { no, userId: other.userId })),
    ]);
    assert.equal(await refundExpiredTransfers(late, { limit: 100 }), 0, "none is left over");
    for (const [at, no] of numbers.entries()) {
      const { state } = await readTransfer(ctx, { no, userId: one.userId });
      assert.equal(state, answers[at] === "done" ? "received" : "refunded");
    }
    received += countOf(answers, "done");
    assert.equal(refunded, perBatch - countOf(answers, "done"), "each was given back once");
  }
  assert.ok(received > 0 && received < batches * perBatch, `${received} received`);
  assert.equal(await walletOf(ctx, one), GIVEN - 100 * received);
  assert.equal(await walletOf(ctx, other), GIVEN + 100 * received);
  await assertBooks(ctx, { people, sum: 2 * GIVEN });
});

Deno.test({
  name: "a transfer is received once, and what is due goes back once, though all come at once",
  ignore,
}, async () => {
  await using place = await openFriends();
  const { ctx, people, one, other, late } = place;
  const step = settleSteps.find(({ name }) => name === "transfers")!;
  for (let round = 0; round < 20; round++) {
    const [no, due] = [await sendNew(ctx, one, other, 100), await sendNew(ctx, other, one, 50)];
    const answers = await race(
      ["transfer_settled"],
      times(20, () => () => receiveTransfer(ctx, { no, userId: other.userId })),
    );
    assert.equal(countOf(answers, "done"), 1);
    await race(["transfer_expired"], [
      ...times(5, () => () => readTransfer(late, { no: due, userId: one.userId })),
      ...times(5, () => () => readTransfer(late, { no: due, userId: other.userId })),
      ...times(5, () => () => receiveTransfer(late, { no: due, userId: one.userId })),
      ...times(5, () => () => step.settle(late, 200)),
    ]);
    assert.equal((await readTransfer(late, { no: due, userId: one.userId })).state, "refunded");
    assert.equal(await walletOf(ctx, one), GIVEN - 100 * (round + 1));
    assert.equal(await walletOf(ctx, other), GIVEN + 100 * (round + 1));
  }
  await assertBooks(ctx, { people, sum: 2 * GIVEN });
});
